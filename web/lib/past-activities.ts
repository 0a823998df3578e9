/** One agent's activities as far back as they were asked for, without a hole up to the newest. A part of `past.ts`. */

import type { ActivityEvent } from "./protocol.ts";
import type { Strip } from "./strip.ts";
import { callId } from "./timeline.ts";

/** Asks for the page before an offset, newest first; null is for the newest. `next` is where the one before it begins. */
export type AskActivities = (
  before: number | null,
) => Promise<{ readonly entries: readonly ActivityEvent[]; readonly next: number | null }>;

/** A stretch without messages may have thousands: they come a few pages at a time. */
const PAGES_AT_ONCE = 5;

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

  /** From when on all are here, in ms; minus infinity when there is nothing older. */
  get since(): number {
    return this.#reach.since;
  }

  /** Whether all that came after a message is here. One that is told late has an old time and a new offset. */
  reachBackTo({ timestamp, offset }: { readonly timestamp: number; readonly offset: number }): boolean {
    return timestamp >= this.#reach.since || offset >= (this.#reach.before ?? 0);
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

  /**
   * Ask for what a snapshot left out, back to what was whole before it, but not for what is older than `oldest`, in ms,
   * nor for more than some pages.
   */
  async mend(ask: AskActivities, oldest: number): Promise<void> {
    if (!this.#torn) return;
    const whole = this.#whole;
    let reach = NOWHERE;
    let pages = 0;
    do {
      reach = await this.#page(ask, reach);
      pages += 1;
    } while (reach.before !== null && reach.before > whole && reach.since > oldest && pages < PAGES_AT_ONCE);
    this.#torn = false;
    if (whole > 0 && reach.before !== null && reach.before <= whole) return; // so all is here as far back as before
    this.#reach = reach;
    for (const offset of this.#kept.keys()) if (offset < (reach.before ?? 0)) this.#kept.delete(offset);
  }

  /** Ask for some pages of what is older, or until all since `oldest`, in ms, are here. */
  async extend(ask: AskActivities, oldest: number): Promise<void> {
    for (let page = 0; page < PAGES_AT_ONCE && this.#reach.since > oldest; page += 1) {
      this.#reach = await this.#page(ask, this.#reach);
    }
  }

  /**
   * Let go of what is older than `at`, but not of the beginning of a call of which more is kept. Gives whether anything
   * went.
   */
  release(at: number): boolean {
    const all = this.all;
    const going = new Set(all.filter((event) => event.timestamp >= at && isOfCall(event)).map(callId));
    const older = all.filter((event) => event.timestamp < at && !(isOfCall(event) && going.has(callId(event))));
    if (older.length === 0) return false;
    for (const { offset } of older) this.#kept.delete(offset ?? 0);
    const before = Math.max(...older.map(({ offset }) => offset ?? 0)) + 1;
    this.#reach = { before, since: Math.max(this.#reach.since, at) };
    return true;
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
