/** The kinds of activity as an operator would ask for them, and how grave each is. */

export interface Family {
  readonly id: string;
  readonly label: string;
  /** As the daemon is asked for it. */
  readonly query: string;
  readonly holds: (kind: string) => boolean;
}

const TROUBLE: ReadonlySet<string> = new Set(["run.failed", "run.aborted", "run.stalled", "tool.failed", "stream.gap"]);
const DONE: ReadonlySet<string> = new Set(["run.finished", "run.resumed", "tool.finished", "stream.repaired"]);

const named = (id: string, label: string): Family => ({
  id,
  label,
  query: `${id}.*`,
  holds: (kind) => kind.startsWith(`${id}.`),
});

export const FAMILIES: readonly Family[] = [
  named("run", "Runs"),
  named("tool", "Tools"),
  named("agent", "Agents"),
  named("stream", "Stream"),
  { id: "trouble", label: "Trouble", query: [...TROUBLE].join(","), holds: (kind) => TROUBLE.has(kind) },
];

export function familyOf(id: string | null): Family | null {
  return FAMILIES.find((family) => family.id === id) ?? null;
}

export type Tone = "plain" | "good" | "warn" | "bad";

export function toneOf(kind: string): Tone {
  if (kind.endsWith(".failed")) return "bad";
  if (TROUBLE.has(kind)) return "warn";
  return DONE.has(kind) ? "good" : "plain";
}
