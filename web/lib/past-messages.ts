/** One agent's messages as far back as they were asked for, without a hole up to the newest. A part of `past.ts`. */

import { inOrder, type Message } from "./view.ts";

/** Mutable; what it gives is not. */
export class PastMessages {
  readonly #kept = new Map<string, Message>();
  /** What began before was let go of, also where the view still has it. */
  #released = Number.NEGATIVE_INFINITY;
  /** Where the next older page begins, as an offset; null when there is none. */
  before: number | null = null;

  /** When the oldest that has ended began, in ms: one that is still open may be of any age. */
  get oldest(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const message of this.#kept.values()) if (isOver(message)) least = Math.min(least, message.timestamp);
    return least;
  }

  /** Oldest first. */
  get all(): readonly Message[] {
    return [...this.#kept.values()].sort(inOrder);
  }

  /** Whether a snapshot's messages go on from what is here, with nothing between them. */
  continues(view: readonly Message[]): boolean {
    const first = view.find(isOver);
    return this.#kept.size === 0 || first === undefined || this.#kept.has(first.message_id);
  }

  /**
   * Find where older pages begin, unless that is known: `told` is how many messages the agent ever ended, `end` an
   * offset behind all of them.
   */
  begin(told: number, end: number): void {
    const over = [...this.#kept.values()].filter(isOver);
    if (this.before === null && told > over.length) this.before = Math.min(end, ...over.map(({ offset }) => offset));
  }

  /** Take in what the view has; gives whether any of it is new. */
  hear(view: readonly Message[]): boolean {
    let changed = false;
    for (const message of view) {
      const released = message.timestamp < this.#released && message.offset < (this.before ?? 0);
      if (released || this.#kept.get(message.message_id) === message) continue;
      this.#kept.set(message.message_id, message);
      changed = true;
    }
    return changed;
  }

  /** Take in an older page; `next` is where the one before it begins. What is here already is newer, and stays. */
  add(page: readonly Message[], next: number | null): void {
    this.#released = Number.NEGATIVE_INFINITY;
    for (const message of page) {
      if (!this.#kept.has(message.message_id)) this.#kept.set(message.message_id, message);
    }
    this.before = next;
  }

  /** Let go of what began before `at` and has ended. Gives whether anything went. */
  release(at: number): boolean {
    const older = [...this.#kept.values()].filter((message) => message.timestamp < at && isOver(message));
    if (older.length === 0) return false;
    for (const { message_id } of older) this.#kept.delete(message_id);
    this.#released = at;
    this.before = Math.max(...older.map(({ offset }) => offset)) + 1; // what is still here comes again, and is there once
    return true;
  }
}

export const isOver = ({ state }: Message): boolean => state !== "streaming";
