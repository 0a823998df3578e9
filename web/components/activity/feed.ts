/**
 * The activity that a filter admits, newest first, as far back as its reader has gone: the stream brings the newest, the
 * daemon has the rest.
 *
 * While it is held nothing moves: what comes is counted, and older pages may be loaded behind. The stream is untouched
 * by either.
 */

import type { StoreApi } from "zustand/vanilla";
import { decodeFeed } from "../../lib/decode.ts";
import { withQuery } from "../../lib/http.ts";
import { Pager } from "../../lib/pager.ts";
import type { Problem } from "../../lib/problem.ts";
import type { ActivityEvent } from "../../lib/protocol.ts";
import type { SessionState } from "../../lib/session-state.ts";
import type { MissionControl } from "../../lib/store.ts";
import { Strip } from "../../lib/strip.ts";
import { type AgentKey, agentKey, partsOf } from "../../lib/view.ts";
import type { Family } from "./kinds.ts";

const PAGE = 500;
/** How many the stream may add before the oldest go: the daemon has them. */
const KEPT = 5_000;
/** More than this is not held for one reader. */
export const MOST_ROWS = 100_000;

/** What is there; the next state is another object. */
export interface FeedState {
  readonly length: number;
  /** An activity by its place, the newest first. */
  readonly at: (place: number) => ActivityEvent | undefined;
  /** How many came since the rows were held; they are shown when they are let go. */
  readonly waiting: number;
  /** Whether the daemon may have more that may be held here. */
  readonly hasOlder: boolean;
  /** Whether it may have more, and no more is held here. */
  readonly full: boolean;
  readonly loading: boolean;
  readonly problem: Problem | null;
}

const NOTHING: Strip<ActivityEvent> = Strip.of([]);

/** Over a subscription's `store`, or one that follows it. It follows while somebody has subscribed to it. */
export class Feed {
  readonly #store: StoreApi<SessionState>;
  readonly #agent: AgentKey | null;
  readonly #family: Family | null;
  readonly #pager: Pager;
  readonly #changed = new Set<() => void>();
  /** What the stream brought, oldest first. */
  #live = NOTHING;
  /** From which offset on that is everything; null when nothing is older. */
  #from: number | null = null;
  /** The same as it was when it began to be held. */
  #held: Strip<ActivityEvent> | null = null;
  #waiting = 0;
  /** What the daemon gave of what is older than `olderThan`, newest first. */
  #older: readonly ActivityEvent[] = [];
  #olderThan: number | null = null;
  /** Where the next older page begins, as an offset; null when there is none. */
  #before: number | null = null;
  #taken = 0;
  #epoch = "";
  #snapshots = -1;
  #liveSince: number | null = null;
  #state: FeedState = {
    length: 0,
    at: () => undefined,
    waiting: 0,
    hasOlder: false,
    full: false,
    loading: false,
    problem: null,
  };

  constructor(
    request: MissionControl["request"],
    store: StoreApi<SessionState>,
    agent: AgentKey | null,
    family: Family | null,
  ) {
    this.#store = store;
    this.#agent = agent;
    this.#family = family;
    this.#pager = new Pager(request, () => this.#publish());
    this.#absorb();
  }

  /** The present state; the same object until something changes. */
  get state(): FeedState {
    return this.#state;
  }

  /** Be told of changes, and follow the stream as long as somebody is. */
  readonly subscribe = (changed: () => void): (() => void) => {
    this.#changed.add(changed);
    const stop = this.#store.subscribe(() => this.#absorb());
    this.#absorb();
    return () => {
      this.#changed.delete(changed);
      stop();
    };
  };

  /** Let nothing move, or let go of that. */
  hold(held: boolean): void {
    if (held === (this.#held !== null)) return;
    this.#held = held ? this.#live : null;
    this.#waiting = 0;
    this.#follow();
    this.#publish();
  }

  /** Ask for the page before the oldest that is here. What goes wrong is the state's `problem`; it does not reject. */
  readonly loadOlder = (): void => {
    if (this.#pager.loading || !this.#state.hasOlder) return;
    void this.#pager.run(async (ask) => {
      const named = this.#agent === null ? {} : partsOf(this.#agent);
      const query = { ...named, kind: this.#family?.query, before: this.#before, limit: PAGE };
      const page = await ask(withQuery("/v1/feed", query), decodeFeed);
      this.#older = [...this.#older, ...page.entries];
      this.#before = page.next;
    });
  };

  #absorb(): void {
    const { view, cursor, snapshots, loaded, liveSince } = this.#store.getState();
    if (!loaded || cursor === null) return;
    const { feed } = view;
    const before = this.#live;
    const anew = cursor.epoch !== this.#epoch;
    if (anew) this.#begin(cursor.epoch);
    // A snapshot that does not reach back to what is here: that is where the stream begins now.
    const torn = snapshots !== this.#snapshots && (feed.oldest?.offset ?? 0) > this.#taken;
    if (anew || torn) {
      this.#live = NOTHING;
      this.#from = feed.oldest?.offset ?? null;
    }
    this.#take(feed);
    if (anew && this.#held !== null) this.#held = this.#live;
    this.#follow();
    this.#snapshots = snapshots;
    const back = liveSince !== null && liveSince !== this.#liveSince;
    this.#liveSince = liveSince;
    if (back) this.#pager.retry();
    if (anew || before !== this.#live) this.#publish();
  }

  /** Another journal: nothing of the one before is there any more. */
  #begin(epoch: string): void {
    this.#epoch = epoch;
    this.#taken = 0;
    this.#older = [];
    this.#olderThan = null;
    this.#before = null;
    this.#waiting = 0;
    if (this.#held !== null) this.#held = NOTHING;
    this.#pager.begin(epoch);
  }

  #take(feed: Strip<ActivityEvent>): void {
    const news: ActivityEvent[] = [];
    for (const event of feed.backwards()) {
      if ((event.offset ?? 0) <= this.#taken) break;
      if (this.#admits(event)) news.push(event);
    }
    this.#taken = feed.newest?.offset ?? this.#taken;
    const whole = this.#live.length + news.length;
    this.#live = this.#live.append(news.reverse(), KEPT);
    if (this.#live.length < whole) this.#from = this.#live.oldest?.offset ?? null;
    if (this.#held !== null) this.#waiting += news.length;
  }

  /** Older pages that do not follow on what is shown any more are of no use. While it is held, they do. */
  #follow(): void {
    const shownFrom = this.#held === null || this.#held === this.#live ? this.#from : this.#olderThan;
    if (shownFrom === this.#olderThan) return;
    this.#older = [];
    this.#olderThan = shownFrom;
    this.#before = shownFrom;
    this.#pager.begin(this.#epoch);
  }

  #admits(event: ActivityEvent): boolean {
    const { agent_id, gateway, payload } = event;
    return (
      (this.#agent === null || agentKey(gateway, agent_id ?? "") === this.#agent) &&
      (this.#family === null || this.#family.holds(payload.kind))
    );
  }

  #publish(): void {
    const rows = this.#held ?? this.#live;
    const older = this.#older;
    const length = rows.length + older.length;
    const full = this.#before !== null && length >= MOST_ROWS;
    this.#state = {
      length,
      at: (place) => (place < rows.length ? rows.at(rows.length - 1 - place) : older[place - rows.length]),
      waiting: this.#waiting,
      hasOlder: this.#before !== null && !full,
      full,
      loading: this.#pager.loading,
      problem: this.#pager.problem,
    };
    for (const changed of this.#changed) changed();
  }
}
