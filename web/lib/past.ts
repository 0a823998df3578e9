/**
 * One agent's past, as far back as its reader has gone: the view holds the newest, the daemon the rest.
 *
 * It keeps what the view lets go of while somebody reads, and asks for older pages. What comes twice, live and in a
 * page, is there once: messages by their ids, activities by their offsets. What could not be asked for because the
 * link was down is asked for again when it is back.
 */

import { decodeFeed, decodeMessages } from "./decode.ts";
import { RequestError, withQuery } from "./http.ts";
import { type AskActivities, PastActivities } from "./past-activities.ts";
import { PastMessages } from "./past-messages.ts";
import type { Problem } from "./problem.ts";
import type { ActivityEvent } from "./protocol.ts";
import type { MissionControl } from "./store.ts";
import { type AgentKey, agentKey, type Message } from "./view.ts";

const MESSAGES_PAGE = 50;
const ACTIVITIES_PAGE = 200;

/** What of an agent's past is here; the next state is another object. */
export interface PastState {
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** By offset. */
  readonly activities: readonly ActivityEvent[];
  /** Activities may reach further back than messages: those before this, in ms, have to wait for them. */
  readonly since: number;
  /** Whether the daemon may have more. */
  readonly hasOlder: boolean;
  readonly loading: boolean;
  /** Why the last question was not answered. */
  readonly problem: Problem | null;
}

const ALWAYS = Number.NEGATIVE_INFINITY;
const NOTHING: PastState = {
  messages: [],
  activities: [],
  since: ALWAYS,
  hasOlder: false,
  loading: false,
  problem: null,
};

type Work = (signal: AbortSignal) => Promise<void>;

/** The daemon has another journal than the page: what it answers does not belong to what is here. */
class OtherEpoch extends Error {}

/** An agent's past over a subscription. It follows while somebody has subscribed to it. */
export class Past {
  readonly #mission: MissionControl;
  readonly #key: AgentKey;
  readonly #gateway: string;
  readonly #id: string;
  readonly #changed = new Set<() => void>();
  #messages = new PastMessages();
  #activities = new PastActivities((event) => this.#isMine(event));
  #epoch = "";
  #snapshots = -1;
  #liveSince: number | null = null;
  #lifetime = new AbortController();
  #failed: Work | null = null;
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
   * Ask for the page of messages before the oldest that is here, and for the activities of that time; where there are no
   * older messages, for all activities. What goes wrong is the state's `problem`; it does not reject.
   */
  async loadOlder(): Promise<void> {
    if (!this.#state.loading && this.#state.hasOlder) await this.#do((signal) => this.#older(signal));
  }

  /**
   * Let go of what began before `at`, for a reader who is at the end: the daemon has it, and `loadOlder` brings it back.
   * Nothing goes as long as a message of that time is still being written.
   */
  release(at: number): void {
    if (this.#state.loading || !this.#messages.release(at)) return;
    this.#activities.release(at);
    this.#publish();
  }

  /** Take in what the stream brought. */
  #absorb(): void {
    const { view, cursor, snapshots, loaded, liveSince } = this.#mission.store.getState();
    if (!loaded || cursor === null) return;
    const messages = view.conversations.get(this.#key) ?? [];
    const torn = snapshots !== this.#snapshots;
    if (cursor.epoch !== this.#epoch || (torn && !this.#messages.continues(messages))) this.#begin(cursor.epoch);
    if (torn) this.#activities.tear();
    const news = this.#messages.hear(messages);
    const changed = this.#activities.hear(view.feed, cursor.offset) || news;
    const back = liveSince !== null && liveSince !== this.#liveSince;
    this.#liveSince = liveSince;
    if (torn) {
      this.#snapshots = snapshots;
      this.#messages.begin(view.agents.get(this.#key)?.counters.messages ?? 0, cursor.offset + 1);
      void this.#do((signal) => this.#mend(signal));
    } else if (back && this.#failed !== null) {
      void this.#do(this.#failed);
    }
    if (changed) this.#publish();
  }

  #begin(epoch: string): void {
    this.#epoch = epoch;
    this.#messages = new PastMessages();
    this.#activities = new PastActivities((event) => this.#isMine(event));
    this.#state = NOTHING;
  }

  async #older(signal: AbortSignal): Promise<void> {
    await this.#mend(signal);
    if (this.#messages.before !== null) await this.#olderMessages(signal);
    const oldest = this.#messages.before === null ? ALWAYS : this.#messages.oldest;
    await this.#activities.extend(this.#ask(signal), oldest);
  }

  async #olderMessages(signal: AbortSignal): Promise<void> {
    const path = `/v1/agents/${encodeURIComponent(this.#id)}/messages`;
    const query = { gateway: this.#gateway, before: this.#messages.before, limit: MESSAGES_PAGE };
    const page = decodeMessages(await this.#mission.request(withQuery(path, query), { signal }));
    signal.throwIfAborted();
    if (page?.epoch !== this.#epoch) throw new OtherEpoch();
    const messages = page.entries.map((view) => ({ ...view, points: 0 }));
    this.#messages.add(messages, page.next);
  }

  #mend(signal: AbortSignal): Promise<void> {
    return this.#activities.mend(this.#ask(signal), this.#messages.oldest);
  }

  #ask(signal: AbortSignal): AskActivities {
    return async (before) => {
      const query = { agent: this.#id, gateway: this.#gateway, before, limit: ACTIVITIES_PAGE };
      const page = decodeFeed(await this.#mission.request(withQuery("/v1/feed", query), { signal }));
      signal.throwIfAborted();
      if (page?.epoch !== this.#epoch) throw new OtherEpoch();
      return page;
    };
  }

  /** One at a time: what is begun later stops what goes on, which would bring what is asked for again anyway. */
  async #do(work: Work): Promise<void> {
    this.#lifetime.abort();
    this.#lifetime = new AbortController();
    const { signal } = this.#lifetime;
    this.#failed = null;
    this.#state = { ...this.#state, loading: true, problem: null };
    this.#tell();
    try {
      await work(signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#failed = work;
      if (error instanceof RequestError) this.#state = { ...this.#state, problem: error.problem };
      else if (!(error instanceof OtherEpoch || isAbort(error))) throw error;
    }
    if (signal.aborted) return;
    this.#state = { ...this.#state, loading: false };
    this.#publish();
  }

  #publish(): void {
    const messages = this.#messages.all;
    this.#state = {
      ...this.#state,
      messages,
      activities: this.#activities.all,
      since: this.#messages.before === null ? ALWAYS : (messages[0]?.timestamp ?? ALWAYS),
      hasOlder: this.#messages.before !== null || this.#activities.before !== null,
    };
    this.#tell();
  }

  #tell(): void {
    for (const changed of this.#changed) changed();
  }

  #isMine({ agent_id, gateway }: ActivityEvent): boolean {
    return agent_id === this.#id && gateway === this.#gateway;
  }
}

/** The subscription has ended, and with it what was asked. */
const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";
