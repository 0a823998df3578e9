/**
 * The fold of events into the view: one rule per event type, the same as the daemon's own (core/projection.py).
 *
 * A `Fold` is a draft over an immutable view. It copies a thing the first time it changes and mutates that copy from
 * then on, so that a frame of hundreds of events costs one copy of each thing it touched, and everything untouched
 * keeps its identity (which is what lets React skip it). Golden scripts bind this fold to the daemon's.
 */

import type {
  ActivityEvent,
  AgentView,
  ChunkEvent,
  Envelope,
  FinalEvent,
  GatewayView,
  HeartbeatEvent,
  RunView,
  StatusEvent,
} from "./protocol.ts";
import { type AgentKey, agentKey, codePoints, inOrder, type Message, type View } from "./view.ts";

/** How many activities the page keeps, and a few more; the daemon has those before. */
export const FEED_KEPT = 5_000;
/** How many messages an agent's conversation keeps at most; an open one is never dropped. */
export const MESSAGES_KEPT = 200;
/** How many all conversations keep together, as long as each has some: the daemon has those before. */
const ALL_MESSAGES_KEPT = 4_000;
const MESSAGES_KEPT_AT_LEAST = 20;
const SESSIONS_KEPT = 100;

/** `duplicate`: its content was already there. `gap`: something before it never arrived. */
export type Applied = "applied" | "duplicate" | "gap";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Fold {
  readonly #base: View;
  readonly #owned = new Set<object>();
  #gateways: Map<string, GatewayView> | null = null;
  #agents: Map<AgentKey, AgentView> | null = null;
  #conversations: Map<AgentKey, readonly Message[]> | null = null;
  readonly #activities: ActivityEvent[] = [];

  constructor(base: View) {
    this.#base = base;
  }

  /** The view with everything applied so far. The draft must not be used afterwards. */
  finish(): View {
    return {
      gateways: this.#gateways ?? this.#base.gateways,
      agents: this.#agents ?? this.#base.agents,
      conversations: this.#conversations ?? this.#base.conversations,
      feed: this.#base.feed.append(this.#activities, FEED_KEPT),
    };
  }

  apply(event: Envelope): Applied {
    if (event.offset === null && event.type !== "heartbeat") return "applied"; // a snapshot would not have it either
    switch (event.type) {
      case "conversation.chunk":
        return this.#chunk(event);
      case "conversation.final":
        return this.#final(event);
      case "activity.event":
        return this.#activity(event);
      case "heartbeat":
        return this.#heartbeat(event);
      case "system.status":
        return this.#status(event);
      case "unknown":
        return "applied";
    }
  }

  #chunk(event: ChunkEvent): Applied {
    const { payload } = event;
    const list = this.#conversation(agentKey(event.gateway, event.agent_id ?? ""));
    const at = indexOf(list, payload.message_id);
    const found = list[at];
    if (found === undefined) {
      if (payload.index !== 0 || payload.start !== 0) return "gap";
      moveOn(this.#touch(event, payload.session), payload.run_id, event.timestamp);
      insert(list, {
        ...identity(event),
        state: "streaming",
        text: payload.delta,
        points: codePoints(payload.delta),
        timestamp: event.timestamp,
        offset: event.offset ?? 0,
        next_index: 1,
      });
      return "applied";
    }
    const expected = found.next_index ?? 0;
    if (found.state !== "streaming" || payload.index < expected) return "duplicate";
    if (payload.index > expected || payload.start !== found.points) return "gap";
    moveOn(this.#touch(event, payload.session), payload.run_id, event.timestamp);
    const message = this.#own(found);
    message.text += payload.delta;
    message.points += codePoints(payload.delta);
    message.next_index = payload.index + 1;
    message.offset = event.offset ?? message.offset;
    list.splice(at, 1);
    insert(list, message); // behind others that began with it: their newest offsets decide
    return "applied";
  }

  #final(event: FinalEvent): Applied {
    const { payload } = event;
    const list = this.#conversation(agentKey(event.gateway, event.agent_id ?? ""));
    const at = indexOf(list, payload.message_id);
    const found = list[at];
    if (found !== undefined && found.state !== "streaming") return "duplicate";
    if (found !== undefined) list.splice(at, 1);
    const agent = this.#touch(event, payload.session);
    moveOn(agent, payload.run_id, event.timestamp);
    agent.counters = { ...agent.counters, messages: agent.counters.messages + 1 };
    insert(list, {
      ...identity(event),
      state: payload.state,
      text: payload.text,
      points: 0,
      timestamp: found?.timestamp ?? payload.started_at ?? event.timestamp,
      offset: event.offset ?? 0,
      ...(payload.error === undefined ? {} : { error: payload.error }),
    });
    trim(list, keptOf(this.#agents?.size ?? 1));
    return "applied";
  }

  #activity(event: ActivityEvent): Applied {
    const { kind, run_id = "", session = "", tool, detail } = event.payload;
    const agent = this.#touch(event, session);
    const count = (what: keyof AgentView["counters"]): void => {
      agent.counters = { ...agent.counters, [what]: agent.counters[what] + 1 };
    };
    if (showsProgress(kind)) moveOn(agent, run_id, event.timestamp);
    switch (kind) {
      case "run.started":
        count("runs");
        setRuns(agent, [...others(agent, run_id), started(agent, event, run_id, session)]);
        break;
      case "run.failed":
        count("failures");
        setRuns(agent, others(agent, run_id));
        break;
      case "run.finished":
      case "run.aborted":
        setRuns(agent, others(agent, run_id));
        break;
      case "run.stalled":
        changeRun(agent, run_id, (run) => ({ ...run, stalled_since: run.progress_at }));
        break;
      case "run.resumed":
        changeRun(agent, run_id, ({ stalled_since: _, ...run }) => run);
        break;
      case "tool.started":
        count("tools");
        noteTool(agent, run_id, tool ?? null);
        break;
      case "tool.progress":
        noteTool(agent, run_id, tool ?? null);
        break;
      case "tool.finished":
      case "tool.failed":
        noteTool(agent, run_id, null);
        break;
      case "stream.gap":
        count("gaps");
        break;
      case "agent.added":
        agent.listed = true;
        if (detail !== undefined) agent.name = String(detail.name || agent.id);
        break;
      case "agent.removed":
        agent.listed = false;
        break;
    }
    this.#activities.push(event);
    return "applied";
  }

  #heartbeat(event: HeartbeatEvent): Applied {
    const agent = this.#agent(event);
    agent.status = event.payload.status;
    agent.reason = event.payload.reason;
    agent.clocks = event.payload.clocks;
    return "applied";
  }

  #status(event: StatusEvent): Applied {
    const { component, id, detail, kind, attempt = 0, retry_at = null, last_event_at, missing_since } = event.payload;
    if (component !== "gateway") return "applied";
    const state = event.payload.state as GatewayView["state"]; // decode.ts admits no other for a gateway
    this.#gateways ??= new Map(this.#base.gateways);
    const old = this.#gateways.get(id);
    this.#gateways.set(id, {
      id,
      kind: kind ?? old?.kind ?? "",
      state,
      since: old !== undefined && old.state === state ? old.since : event.timestamp,
      last_event_at: last_event_at === undefined ? (old?.last_event_at ?? null) : last_event_at,
      attempt,
      retry_at,
      detail,
      missing_since: missing_since === undefined ? (old?.missing_since ?? null) : missing_since,
    });
    return "applied";
  }

  /** The event's agent, with its newest sign of life and its sessions brought up to date. */
  #touch(event: ChunkEvent | FinalEvent | ActivityEvent, session: string): Mutable<AgentView> {
    const agent = this.#agent(event);
    agent.last_event_at = Math.max(event.timestamp, agent.last_event_at ?? 0);
    if (session !== "" && agent.sessions.at(-1) !== session) {
      agent.sessions = [...agent.sessions.filter((other) => other !== session), session].slice(-SESSIONS_KEPT);
    }
    return agent;
  }

  #agent(event: Envelope): Mutable<AgentView> {
    const id = event.agent_id ?? "";
    const key = agentKey(event.gateway, id);
    this.#agents ??= new Map(this.#base.agents);
    const found = this.#agents.get(key);
    const agent = this.#own(found ?? newAgent(event.gateway, id));
    if (agent !== found) this.#agents.set(key, agent);
    return agent;
  }

  #conversation(key: AgentKey): Message[] {
    this.#conversations ??= new Map(this.#base.conversations);
    const found = this.#conversations.get(key) ?? [];
    if (this.#owned.has(found)) return found as Message[];
    const list = [...found];
    this.#owned.add(list);
    this.#conversations.set(key, list);
    return list;
  }

  /** `value` itself when this draft made it, else a copy that this draft may change. */
  #own<T extends object>(value: T): Mutable<T> {
    if (this.#owned.has(value)) return value;
    const copy = { ...value };
    this.#owned.add(copy);
    return copy;
  }
}

function others(agent: AgentView, runId: string): RunView[] {
  return agent.runs.filter((run) => run.run_id !== runId);
}

function setRuns(agent: Mutable<AgentView>, runs: readonly RunView[]): void {
  agent.runs = runs;
  agent.run = runs.at(-1) ?? null;
}

/** A run that began again while it stood still keeps that: it is still to be said that it went on. */
function started(agent: AgentView, { timestamp }: ActivityEvent, run_id: string, session: string): RunView {
  const stalled_since = agent.runs.find((run) => run.run_id === run_id)?.stalled_since;
  const run = { run_id, session, started_at: timestamp, tool: null, progress_at: timestamp };
  return stalled_since === undefined ? run : { ...run, stalled_since };
}

function changeRun(agent: Mutable<AgentView>, runId: string, change: (run: RunView) => RunView): void {
  const at = agent.runs.findIndex((run) => run.run_id === runId);
  const found = agent.runs[at];
  if (found !== undefined) setRuns(agent, agent.runs.with(at, change(found)));
}

function noteTool(agent: Mutable<AgentView>, runId: string, tool: string | null): void {
  changeRun(agent, runId, (run) => ({ ...run, tool }));
}

function moveOn(agent: Mutable<AgentView>, runId: string, at: number): void {
  changeRun(agent, runId, (run) => ({ ...run, progress_at: at }));
}

/** Whether an activity of this kind shows that its run moves on; every part of a message does. */
function showsProgress(kind: string): boolean {
  return kind === "run.started" || kind.startsWith("tool.") || kind.startsWith("session.");
}

function identity(event: ChunkEvent | FinalEvent) {
  const { message_id, run_id, session, role } = event.payload;
  return { message_id, run_id, session, role, agent_id: event.agent_id ?? "", gateway: event.gateway };
}

function newAgent(gateway: string, id: string): AgentView {
  return {
    id,
    gateway,
    name: id,
    status: "offline",
    reason: "not seen yet",
    clocks: { transport_at: null, heartbeat_at: null, progress_at: null },
    sessions: [],
    run: null,
    runs: [],
    listed: false,
    last_event_at: null,
    counters: { messages: 0, runs: 0, failures: 0, tools: 0, gaps: 0 },
  };
}

/** Where a message is, or -1. From the end: what changes is nearly always among the newest. */
function indexOf(list: readonly Message[], messageId: string): number {
  return list.findLastIndex((message) => message.message_id === messageId);
}

function insert(list: Message[], message: Message): void {
  list.splice(list.findLastIndex((other) => inOrder(other, message) <= 0) + 1, 0, message);
}

/** How many messages each of so many agents keeps: a page's memory must not grow with the fleet. */
export function keptOf(agents: number): number {
  return Math.min(MESSAGES_KEPT, Math.max(MESSAGES_KEPT_AT_LEAST, Math.floor(ALL_MESSAGES_KEPT / agents)));
}

function trim(list: Message[], most: number): void {
  while (list.length > most) {
    const oldest = list.findIndex((message) => message.state !== "streaming");
    if (oldest < 0) return;
    list.splice(oldest, 1);
  }
}
