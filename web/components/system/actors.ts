/** The answer of `GET /v1/actors`, as far as the page reads it. */

export interface Mailbox {
  readonly depth: number;
  readonly capacity: number | null;
  readonly peak: number;
  readonly oldest_age_s: number;
  readonly handled: number;
  readonly dead_lettered: number;
}

export interface Node {
  readonly name: string;
  readonly path: string;
  readonly kind: string;
  readonly state: string;
  readonly incarnation: number;
  readonly restarts: number;
  readonly uptime_s: number;
  readonly busy_fraction: number;
  readonly last_failure: {
    readonly type: string;
    readonly message: string;
    readonly where: string;
    readonly timestamp: number;
  } | null;
  readonly mailbox: Mailbox | null;
  readonly children: readonly Node[];
}

export interface Actors {
  readonly time: number;
  readonly instance: string;
  readonly tree: Node;
  readonly dead_letters: readonly unknown[];
}

/** Null when it is something else. */
export function decodeActors(value: unknown): Actors | null {
  const answer = value as Actors | null;
  const fits =
    typeof answer === "object" && answer !== null && isNode(answer.tree) && Array.isArray(answer.dead_letters);
  return fits ? answer : null;
}

function isNode(value: unknown): value is Node {
  const node = value as Node | null;
  return (
    typeof node === "object" &&
    node !== null &&
    typeof node.path === "string" &&
    typeof node.state === "string" &&
    Array.isArray(node.children) &&
    node.children.every(isNode)
  );
}

export interface Row {
  readonly node: Node;
  readonly depth: number;
}

/** The tree in lines, parents first; what is below a closed node is left out. */
export function rowsOf(tree: Node, closed: ReadonlySet<string>, depth = 0): readonly Row[] {
  const below = closed.has(tree.path) ? [] : tree.children.flatMap((child) => rowsOf(child, closed, depth + 1));
  return [{ node: tree, depth }, ...below];
}

/** Whether a node, or anything below it, is not as it should be. */
export function isTroubled(node: Node): boolean {
  return node.state === "restarting" || node.state === "gave_up" || node.children.some(isTroubled);
}
