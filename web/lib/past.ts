/**
 * One agent's past, as far back as its reader has gone: the view holds the newest, the daemon the rest.
 *
 * It keeps what the view lets go of while somebody reads, and asks for older pages. What comes twice, live and in a
 * page, is there once: messages by their ids, activities by their offsets. What could not be asked for because the
 * link was down is asked for again when it is back.
 */

import { decodeFeed, decodeMessages } from "./decode.ts";
import { withQuery } from "./http.ts";
import { type Ask, Pager } from "./pager.ts";
import { type AskActivities, PastActivities } from "./past-activities.ts";
import { isOver, PastMessages } from "./past-messages.ts";
import type { Problem } from "./problem.ts";
import type { ActivityEvent } from "./protocol.ts";
import type { MissionControl } from "./store.ts";
import { type AgentKey, agentKey, type Message } from "./view.ts";

const MESSAGES_PAGE = 50;
const ACTIVITIES_PAGE = 200;

/** What of an agent's past is here; the next state is another object. */
export interface PastState {
  /** Activities may reach further back than messages: those before this, in ms, have to wait for them. */
  readonly since: number;
  /** Oldest first. Those that have ended wait for the activities since. */
  readonly messages: readonly Message[];
  /** By offset. */
  readonly activities: readonly ActivityEvent[];
  /** Whether the daemon may have more. */
  readonly hasOlder: boolean;
  readonly loading: boolean;
  /** Why the last question was not answered. */
  readonly problem: Problem | null;
}

const ALWAYS = Number.NEGATIVE_INFINITY;
const NOTHING: PastState = {
  since: ALWAYS,
  messages: [],
  activities: [],
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
  readonly #pager: Pager;
  #messages = new PastMessages();
  #activities = new PastActivities((event) => this.#isMine(event));
  #epoch = "";
  #snapshots = -1;
  #liveSince: number | null = null;
  #state = NOTHING;

  constructor(mission: MissionControl, gateway: string, id: string) {
    this.#mission = mission;
    this.#gateway = gateway;
    this.#id = id;
    this.#key = agentKey(gateway, id);
    this.#pager = new Pager(mission.request, () => this.#publish());
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
   * Ask for the page of messages before the oldest that is here, and for the activities of that time: a few pages of
   * them at once, where there are many. What goes wrong is the state's `problem`; it does not reject.
   */
  async loadOlder(): Promise<void> {
    if (!this.#state.loading && this.#state.hasOlder) await this.#pager.run((ask) => this.#older(ask));
  }

  /**
   * Let go of what began before `at` and is over, for a reader who is at the end: the daemon has it, and `loadOlder`
   * brings it back.
   */
  release(at: number): void {
    if (this.#state.loading) return;
    const messages = this.#messages.release(at);
    if (this.#activities.release(at) || messages) this.#publish();
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
      void this.#pager.run((ask) => this.#mend(ask));
    } else if (back) {
      this.#pager.retry();
    }
    if (changed) this.#publish();
  }

  #begin(epoch: string): void {
    this.#epoch = epoch;
    this.#messages = new PastMessages();
    this.#activities = new PastActivities((event) => this.#isMine(event));
    this.#pager.begin(epoch);
  }

  async #older(ask: Ask): Promise<void> {
    await this.#mend(ask);
    if (this.#messages.before !== null && this.#activities.since <= this.#messages.oldest)
      await this.#olderMessages(ask);
    await this.#activities.extend(
      this.#activitiesOf(ask),
      this.#messages.before === null ? ALWAYS : this.#messages.oldest,
    );
  }

  async #olderMessages(ask: Ask): Promise<void> {
    const path = `/v1/agents/${encodeURIComponent(this.#id)}/messages`;
    const query = { gateway: this.#gateway, before: this.#messages.before, limit: MESSAGES_PAGE };
    const page = await ask(withQuery(path, query), decodeMessages);
    const messages = page.entries.map((view) => ({ ...view, points: 0 }));
    this.#messages.add(messages, page.next);
  }

  #mend(ask: Ask): Promise<void> {
    return this.#activities.mend(this.#activitiesOf(ask), this.#messages.oldest);
  }

  #activitiesOf(ask: Ask): AskActivities {
    return (before) => {
      const query = { agent: this.#id, gateway: this.#gateway, before, limit: ACTIVITIES_PAGE };
      return ask(withQuery("/v1/feed", query), decodeFeed);
    };
  }

  #publish(): void {
    const { loading, problem } = this.#pager;
    const { before, oldest } = this.#messages;
    this.#state = {
      since: before === null || oldest === Number.POSITIVE_INFINITY ? ALWAYS : oldest,
      messages: this.#messages.all.filter((message) => !isOver(message) || this.#activities.reachBackTo(message)),
      activities: this.#activities.all,
      hasOlder: before !== null || this.#activities.since > ALWAYS,
      loading,
      problem,
    };
    for (const changed of this.#changed) changed();
  }

  #isMine({ agent_id, gateway }: ActivityEvent): boolean {
    return agent_id === this.#id && gateway === this.#gateway;
  }
}
