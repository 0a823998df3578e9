/**
 * One agent's past, as far back as its reader has gone: the view holds the newest, the daemon the rest.
 *
 * It keeps what the view lets go of while somebody reads, and asks for older pages. What comes twice, live and in a
 * page, is there once: messages by their ids, activities by their offsets.
 */

import { decodeFeed, decodeMessages } from "./decode.ts";
import { RequestError, withQuery } from "./http.ts";
import type { Problem } from "./problem.ts";
import type { ActivityEvent } from "./protocol.ts";
import type { MissionControl } from "./store.ts";
import { callId } from "./timeline.ts";
import { type AgentKey, agentKey, inOrder, type Message } from "./view.ts";

const MESSAGES_PAGE = 50;
const ACTIVITIES_PAGE = 200;

/** What of an agent's past is here; the next state is another object. */
export interface PastState {
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** By offset. */
  readonly activities: readonly ActivityEvent[];
  /** From when on all activities are here, in ms. */
  readonly activitiesSince: number;
  /** Whether the daemon may have older messages. */
  readonly hasOlder: boolean;
  readonly loading: boolean;
  /** Why the last question was not answered. */
  readonly problem: Problem | null;
}

const NOTHING: PastState = {
  messages: [],
  activities: [],
  activitiesSince: Number.POSITIVE_INFINITY,
  hasOlder: false,
  loading: false,
  problem: null,
};

/** An agent's past over a subscription. It follows while somebody has subscribed to it. */
export class Past {
  readonly #mission: MissionControl;
  readonly #key: AgentKey;
  readonly #gateway: string;
  readonly #id: string;
  readonly #changed = new Set<() => void>();
  readonly #messages = new Map<string, Message>();
  readonly #activities = new Map<number, ActivityEvent>();
  #newest = 0;
  #epoch = "";
  #snapshots = -1;
  #before: number | null = null;
  #activitiesBefore: number | null = null;
  #activitiesSince = Number.POSITIVE_INFINITY;
  /** What began before was let go of, also where the view still has it. */
  #released = Number.NEGATIVE_INFINITY;
  #lifetime = new AbortController();
  #state = NOTHING;

  constructor(mission: MissionControl, gateway: string, id: string) {
    this.#mission = mission;
    this.#gateway = gateway;
    this.#id = id;
    this.#key = agentKey(gateway, id);
  }

  /** The present state; the same object until something changes. */
  get state(): PastState {
    return this.#state;
  }

  /** Be told of changes, and follow the stream as long as somebody is. */
  readonly subscribe = (changed: () => void): (() => void) => {
    this.#changed.add(changed);
    const stop = this.#mission.store.subscribe(() => this.#absorb());
    this.#absorb();
    return () => {
      this.#changed.delete(changed);
      stop();
    };
  };

  /**
   * Ask for the page of messages before the oldest that is here, and for the activities of that time. What goes wrong
   * is the state's `problem`; it does not reject.
   */
  async loadOlder(): Promise<void> {
    if (this.#state.loading || !this.#state.hasOlder) return;
    this.#released = Number.NEGATIVE_INFINITY;
    await this.#ask(async (signal) => {
      const path = `/v1/agents/${encodeURIComponent(this.#id)}/messages`;
      const query = { gateway: this.#gateway, before: this.#before, limit: MESSAGES_PAGE };
      const page = decodeMessages(await this.#mission.request(withQuery(path, query), { signal }));
      if (page === null || page.epoch !== this.#epoch) return;
      for (const view of page.entries) this.#keep({ ...view, points: 0 });
      this.#before = page.next;
      this.#state = { ...this.#state, hasOlder: page.next !== null };
      const oldest = page.entries.reduce(
        (least, { timestamp }) => Math.min(least, timestamp),
        Number.POSITIVE_INFINITY,
      );
      while (this.#activitiesBefore !== null && this.#activitiesSince > oldest) await this.#olderActivities(signal);
      if (page.next === null) while (this.#activitiesBefore !== null) await this.#olderActivities(signal);
    });
  }

  /**
   * Let go of what began before `at`, for a reader who is at the end: the daemon has it, and `loadOlder` brings it back.
   * Nothing goes as long as a message of that time is still being written.
   */
  release(at: number): void {
    const older = this.#state.messages.filter(({ timestamp }) => timestamp < at);
    if (older.length === 0 || this.#state.loading || older.some(({ state }) => state === "streaming")) return;
    for (const { message_id } of older) this.#messages.delete(message_id);
    this.#released = at;
    this.#before = Math.max(...older.map(({ offset }) => offset)) + 1; // what is still here comes again, and is there once
    const later = this.#state.activities.filter(({ timestamp }) => timestamp >= at);
    const going = new Set(later.filter(ofCall).map(callId)); // a call's end is no use without its beginning
    const activities = this.#state.activities.filter(
      (event) => event.timestamp < at && !(ofCall(event) && going.has(callId(event))),
    );
    if (activities.length > 0) {
      for (const { offset } of activities) this.#activities.delete(offset ?? 0);
      this.#activitiesBefore = Math.max(...activities.map(({ offset }) => offset ?? 0)) + 1;
      this.#activitiesSince = Math.max(this.#activitiesSince, at);
    }
    this.#state = { ...this.#state, hasOlder: true };
    this.#publish();
  }

  #keep(message: Message): void {
    if (!this.#messages.has(message.message_id)) this.#messages.set(message.message_id, message);
  }

  /** Take in what the stream brought. */
  #absorb(): void {
    const { view, cursor, snapshots, loaded } = this.#mission.store.getState();
    if (!loaded || cursor === null) return;
    if (cursor.epoch !== this.#epoch) this.#begin(cursor.epoch);
    const live = view.conversations.get(this.#key) ?? [];
    let changed = false;
    for (const message of live) {
      const released = message.timestamp < this.#released && message.offset < (this.#before ?? 0);
      if (!released && this.#messages.get(message.message_id) !== message) {
        this.#messages.set(message.message_id, message);
        changed = true;
      }
    }
    let newest = this.#newest;
    for (const event of view.feed.backwards()) {
      const offset = event.offset ?? 0;
      if (offset <= this.#newest) break;
      newest = Math.max(newest, offset);
      if (event.agent_id === this.#id && event.gateway === this.#gateway) {
        this.#activities.set(offset, event);
        changed = true;
      }
    }
    this.#newest = newest;
    if (snapshots !== this.#snapshots) {
      this.#snapshots = snapshots;
      void this.#newestActivities(live);
    }
    if (changed) this.#publish();
  }

  #begin(epoch: string): void {
    this.#epoch = epoch;
    this.#messages.clear();
    this.#activities.clear();
    this.#newest = 0;
    this.#snapshots = -1;
    this.#before = null;
    this.#activitiesBefore = null;
    this.#activitiesSince = Number.POSITIVE_INFINITY;
    this.#released = Number.NEGATIVE_INFINITY;
    this.#lifetime.abort();
    this.#lifetime = new AbortController();
    this.#state = NOTHING;
  }

  /** After a snapshot: the activities that it has not, and where older messages begin. */
  async #newestActivities(live: readonly Message[]): Promise<void> {
    const oldest = live.reduce((least, { timestamp }) => Math.min(least, timestamp), Number.POSITIVE_INFINITY);
    await this.#ask(async (signal) => {
      this.#activitiesBefore = null;
      await this.#olderActivities(signal);
      while (this.#activitiesBefore !== null && this.#activitiesSince > oldest) await this.#olderActivities(signal);
      if (this.#before === null && this.#messages.size > 0) {
        const finals = [...this.#messages.values()].filter(({ state }) => state !== "streaming");
        this.#before = finals.length === 0 ? null : Math.min(...finals.map(({ offset }) => offset));
        const told = this.#mission.store.getState().view.agents.get(this.#key)?.counters.messages ?? 0;
        this.#state = { ...this.#state, hasOlder: told > finals.length };
      }
    });
  }

  async #olderActivities(signal: AbortSignal): Promise<void> {
    const query = {
      agent: this.#id,
      gateway: this.#gateway,
      before: this.#activitiesBefore,
      limit: ACTIVITIES_PAGE,
    };
    const page = decodeFeed(await this.#mission.request(withQuery("/v1/feed", query), { signal }));
    if (page === null || page.epoch !== this.#epoch) {
      this.#activitiesBefore = null;
      return;
    }
    for (const event of page.entries) this.#activities.set(event.offset ?? 0, event);
    this.#activitiesBefore = page.next;
    const least = page.entries.reduce((time, { timestamp }) => Math.min(time, timestamp), this.#activitiesSince);
    this.#activitiesSince = page.next === null ? 0 : least;
  }

  async #ask(what: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.#lifetime;
    this.#state = { ...this.#state, loading: true, problem: null };
    this.#tell();
    try {
      await what(signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof RequestError)) return;
      this.#state = { ...this.#state, problem: error.problem };
    }
    if (signal.aborted) return;
    this.#state = { ...this.#state, loading: false };
    this.#publish();
  }

  #publish(): void {
    this.#state = {
      ...this.#state,
      messages: [...this.#messages.values()].sort(inOrder),
      activities: [...this.#activities.entries()].sort(([a], [b]) => a - b).map(([, event]) => event),
      activitiesSince: this.#activitiesSince,
    };
    this.#tell();
  }

  #tell(): void {
    for (const changed of this.#changed) changed();
  }
}

const ofCall = ({ payload }: ActivityEvent): boolean =>
  payload.kind.startsWith("tool.") && payload.detail?.call_id !== undefined;
