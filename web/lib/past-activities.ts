/** One agent's activities as far back as they were asked for, without a hole up to the newest. A part of `past.ts`. */

import type { ActivityEvent } from "./protocol.ts";
import type { Strip } from "./strip.ts";
import { callId } from "./timeline.ts";

/** A page of activities, newest first; `next` is where the one before it begins. */
export interface ActivityPage {
  readonly entries: readonly ActivityEvent[];
  readonly next: number | null;
}

/** Asks for the page before an offset; null is for the newest. */
export type AskActivities = (before: number | null) => Promise<ActivityPage>;

/** From `since` on, in ms, all are here; `before` is where the next older page begins, null when there is none. */
interface Reach {
  readonly before: number | null;
  readonly since: number;
}

const NOWHERE: Reach = { before: null, since: Number.POSITIVE_INFINITY };
const BEGINNING: Reach = { before: null, since: Number.NEGATIVE_INFINITY };

/** Mutable; what it gives is not. */
export class PastActivities {
  readonly #mine: (event: ActivityEvent) => boolean;
  readonly #kept = new Map<number, ActivityEvent>();
  #reach = BEGINNING;
  /** The newest that was taken from the view's feed. */
  #taken = 0;
  /** Up to here nothing is missing; it stands still while something may be. */
  #whole = 0;
  #torn = false;

  constructor(mine: (event: ActivityEvent) => boolean) {
    this.#mine = mine;
  }

  /** Where the next older page begins, as an offset; null when there is none. */
  get before(): number | null {
    return this.#reach.before;
  }

  /** By offset. */
  get all(): readonly ActivityEvent[] {
    return [...this.#kept.entries()].sort(([a], [b]) => a - b).map(([, event]) => event);
  }

  /** Take in what the view's feed has up to `offset`; gives whether any of it is new. */
  hear(feed: Strip<ActivityEvent>, offset: number): boolean {
    let changed = false;
    for (const event of feed.backwards()) {
      const at = event.offset ?? 0;
      if (at <= this.#taken) break;
      if (!this.#mine(event)) continue;
      this.#kept.set(at, event);
      changed = true;
    }
    this.#taken = offset;
    if (!this.#torn) this.#whole = offset;
    return changed;
  }

  /** A snapshot came: what happened before it since the last event is not in its feed, or not all of it. */
  tear(): void {
    this.#torn = true;
  }

  /** Ask for what a snapshot left out, back to what was whole before it, but no further back than `oldest`, in ms. */
  async mend(ask: AskActivities, oldest: number): Promise<void> {
    if (!this.#torn) return;
    const whole = this.#whole;
    let reach = NOWHERE;
    do {
      reach = await this.#page(ask, reach);
    } while (reach.before !== null && reach.before > whole && reach.since > oldest);
    this.#torn = false;
    if (whole > 0 && reach.before !== null && reach.before <= whole) return; // so all is here as far back as before
    this.#reach = reach;
    for (const offset of this.#kept.keys()) if (offset < (reach.before ?? 0)) this.#kept.delete(offset);
  }

  /** Ask for what is older, until all since `oldest` are here. */
  async extend(ask: AskActivities, oldest: number): Promise<void> {
    while (this.#reach.before !== null && this.#reach.since > oldest) this.#reach = await this.#page(ask, this.#reach);
  }

  /** Let go of what is older than `at`, but not of the beginning of a call of which more is kept. */
  release(at: number): void {
    const all = this.all;
    const going = new Set(all.filter((event) => event.timestamp >= at && isOfCall(event)).map(callId));
    const older = all.filter((event) => event.timestamp < at && !(isOfCall(event) && going.has(callId(event))));
    if (older.length === 0) return;
    for (const { offset } of older) this.#kept.delete(offset ?? 0);
    const before = Math.max(...older.map(({ offset }) => offset ?? 0)) + 1;
    this.#reach = { before, since: Math.max(this.#reach.since, at) };
  }

  async #page(ask: AskActivities, { before, since }: Reach): Promise<Reach> {
    const { entries, next } = await ask(before);
    for (const event of entries) this.#kept.set(event.offset ?? 0, event);
    const least = entries.reduce((time, { timestamp }) => Math.min(time, timestamp), since);
    return next === null ? BEGINNING : { before: next, since: least };
  }
}

const isOfCall = ({ payload }: ActivityEvent): boolean =>
  payload.kind.startsWith("tool.") && payload.detail?.call_id !== undefined;
