/**
 * A long list that grows at its end and loses what is oldest, immutable: a new one shares all full blocks with the one
 * before it, so that to add a hundred entries to five thousand costs a hundred.
 */

const BLOCK = 256;

/** An immutable list, oldest first. */
export class Strip<T> implements Iterable<T> {
  static readonly #EMPTY = new Strip<never>([], 0);

  readonly #blocks: readonly (readonly T[])[];
  readonly length: number;

  private constructor(blocks: readonly (readonly T[])[], length: number) {
    this.#blocks = blocks;
    this.length = length;
  }

  static of<T>(entries: readonly T[]): Strip<T> {
    const empty: Strip<T> = Strip.#EMPTY;
    return empty.append(entries, Number.POSITIVE_INFINITY);
  }

  /** With these at the end. At least the newest `most` are kept, and at most a block's length more. */
  append(entries: readonly T[], most: number): Strip<T> {
    if (entries.length === 0) return this;
    const blocks = [...this.#blocks];
    const last = blocks.at(-1);
    let open: T[] = last !== undefined && last.length < BLOCK ? [...last] : [];
    if (open.length > 0) blocks.pop();
    for (const entry of entries) {
      open.push(entry);
      if (open.length === BLOCK) {
        blocks.push(open);
        open = [];
      }
    }
    if (open.length > 0) blocks.push(open);
    let length = this.length + entries.length;
    let first = 0;
    for (let oldest = blocks[0]; oldest !== undefined && length - oldest.length >= most; oldest = blocks[first]) {
      length -= oldest.length;
      first += 1;
    }
    return new Strip(first === 0 ? blocks : blocks.slice(first), length);
  }

  /** The newest entry, or undefined. */
  get newest(): T | undefined {
    return this.#blocks.at(-1)?.at(-1);
  }

  get oldest(): T | undefined {
    return this.#blocks[0]?.[0];
  }

  /** An entry by its place, the oldest first; undefined beyond them. */
  at(place: number): T | undefined {
    return this.#blocks[Math.floor(place / BLOCK)]?.[place % BLOCK];
  }

  /** The blocks, oldest first: a block that is full never changes, and is the same object in each strip that has it. */
  get blocks(): readonly (readonly T[])[] {
    return this.#blocks;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const block of this.#blocks) yield* block;
  }

  /** From the newest to the oldest. */
  *backwards(): Iterable<T> {
    for (let at = this.#blocks.length - 1; at >= 0; at -= 1) {
      const block = this.#blocks[at] as readonly T[];
      for (let place = block.length - 1; place >= 0; place -= 1) yield block[place] as T;
    }
  }
}
