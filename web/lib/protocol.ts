/**
 * The stream protocol, version 1, as types: what travels between the daemon and a subscriber.
 *
 * Field names are the wire's own, so that a frame needs no translation and a reader needs one vocabulary
 * (docs/protocol.md). Times are milliseconds since the Unix epoch. `decode.ts` turns text into these types.
 */

export const PROTOCOL = 1;
/** The WebSocket subprotocol to offer. */
export const SUBPROTOCOL = "mission-control.v1";

/** Close codes after which the same credentials can never succeed: the client stops and says why. */
export const FINAL_CLOSE_CODES: ReadonlySet<number> = new Set([4400, 4401, 4403]);

export const ROLES = ["user", "assistant", "system"] as const;
export const FINAL_STATES = ["complete", "aborted", "error", "interrupted"] as const;
export const AGENT_STATUSES = ["online", "degraded", "offline"] as const;
export const LINK_STATES = ["connecting", "connected", "reconnecting", "disconnected"] as const;

/** Who wrote a message. */
export type Role = (typeof ROLES)[number];
/** How a message ended: `aborted` by someone, `error` when the model failed, `interrupted` when the rest was lost. */
export type FinalState = (typeof FINAL_STATES)[number];
/** How far a message is; `streaming` while it is being written. */
export type MessageState = FinalState | "streaming";
/** Whether an agent is alive, as far as its gateway's connection and its runs tell. */
export type AgentStatus = (typeof AGENT_STATUSES)[number];
/** Where a link stands. `reconnecting`: lost, and tried again by itself; `disconnected`: refused, or given up. */
export type LinkState = (typeof LINK_STATES)[number];

/** A position in one journal. An offset means nothing without the epoch of the journal that it counts in. */
export interface Cursor {
  readonly epoch: string;
  readonly offset: number;
}

/** A piece of a message that is being written. */
export interface ChunkPayload {
  readonly message_id: string;
  readonly run_id: string;
  readonly session: string;
  readonly role: Role;
  /** 0-based within the message. */
  readonly index: number;
  readonly delta: string;
  /** Where `delta` begins in the message, in Unicode code points. */
  readonly start: number;
}

/** The end of a message, with its whole text. */
export interface FinalPayload {
  readonly message_id: string;
  readonly run_id: string;
  readonly session: string;
  readonly role: Role;
  readonly text: string;
  readonly state: FinalState;
  readonly error?: string;
  /** When the message began, if that is not the event's own timestamp. */
  readonly started_at?: number;
}

/** Something that an agent did, or that happened to it. */
export interface ActivityPayload {
  /** Dotted, such as `run.started` or `tool.failed`; new ones may come. */
  readonly kind: string;
  /** One line for people. */
  readonly title: string;
  readonly run_id?: string;
  readonly session?: string;
  readonly tool?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly duration_ms?: number;
}

/** When there was last a live connection, a sign of life of the agent, and work done; ms since the epoch. */
export interface Clocks {
  readonly transport_at: number | null;
  readonly heartbeat_at: number | null;
  readonly progress_at: number | null;
}

/** An agent's status, with the reason for people. */
export interface HeartbeatPayload {
  readonly status: AgentStatus;
  readonly reason: string;
  readonly clocks: Clocks;
}

/** The state of a part of the system, such as the link to a gateway. */
export interface StatusPayload {
  readonly component: string;
  readonly id: string;
  readonly state: string;
  readonly detail: string;
  readonly kind?: string;
  readonly attempt?: number;
  readonly retry_at?: number | null;
  readonly last_event_at?: number | null;
  readonly missing_since?: number | null;
}

interface EnvelopeOf<T extends string, P> {
  /** Stable: the same occurrence has the same id after a reconnect, a restart or a repair. */
  readonly event_id: string;
  /** When the source emitted it, ms since the epoch. */
  readonly timestamp: number;
  readonly agent_id: string | null;
  readonly type: T;
  readonly payload: P;
  /** Counts the journaled events of one agent of one gateway. */
  readonly sequence: number;
  readonly gateway: string;
  /** Position in the journal; null marks an ephemeral event: delivered live, never replayed. */
  readonly offset: number | null;
}

/** A message went on. */
export type ChunkEvent = EnvelopeOf<"conversation.chunk", ChunkPayload>;
/** A message ended. */
export type FinalEvent = EnvelopeOf<"conversation.final", FinalPayload>;
/** An agent did something. */
export type ActivityEvent = EnvelopeOf<"activity.event", ActivityPayload>;
/** An agent's status changed, or was confirmed. */
export type HeartbeatEvent = EnvelopeOf<"heartbeat", HeartbeatPayload>;
/** A part of the system changed its state. */
export type StatusEvent = EnvelopeOf<"system.status", StatusPayload>;
/** An event of a type that this client doesn't know yet: it only moves the cursor. */
export type UnknownEvent = EnvelopeOf<"unknown", null>;
/** Any event, by its `type`. */
export type Envelope = ChunkEvent | FinalEvent | ActivityEvent | HeartbeatEvent | StatusEvent | UnknownEvent;

/** A gateway, and how the daemon's link to it stands. */
export interface GatewayView {
  readonly id: string;
  readonly kind: string;
  readonly state: LinkState;
  readonly since: number;
  readonly last_event_at: number | null;
  readonly attempt: number;
  readonly retry_at: number | null;
  readonly detail: string;
  /** From when on something may be missing that is still to be brought in; null when all is there. */
  readonly missing_since: number | null;
}

/** A run that is open: an agent at work. */
export interface RunView {
  readonly run_id: string;
  readonly session: string;
  readonly started_at: number;
  readonly tool: string | null;
  /** When it last moved on. */
  readonly progress_at: number;
  /** Its `progress_at` when it was last said to be stalled, until it is said to go on. */
  readonly stalled_since?: number;
}

/** How often each thing happened to an agent since its first event in this journal. */
export interface Counters {
  readonly messages: number;
  readonly runs: number;
  readonly failures: number;
  readonly tools: number;
  readonly gaps: number;
}

/** An agent at one cursor. `gateway` and `id` together identify it. */
export interface AgentView {
  readonly id: string;
  readonly gateway: string;
  readonly name: string;
  readonly status: AgentStatus;
  readonly reason: string;
  readonly clocks: Clocks;
  readonly sessions: readonly string[];
  /** The newest open run. */
  readonly run: RunView | null;
  /** All open runs, oldest first. */
  readonly runs: readonly RunView[];
  /** False before the gateway has announced the agent, and after it has removed it. */
  readonly listed: boolean;
  readonly last_event_at: number | null;
  readonly counters: Counters;
}

/** A message at one cursor. */
export interface MessageView {
  readonly message_id: string;
  readonly agent_id: string;
  readonly gateway: string;
  readonly run_id: string;
  readonly session: string;
  readonly role: Role;
  readonly state: MessageState;
  readonly text: string;
  /** When the message began. */
  readonly timestamp: number;
  /** Of the last event that made it. */
  readonly offset: number;
  /** While streaming: the index that the next chunk will have. */
  readonly next_index?: number;
  readonly error?: string;
}

/** What a subscriber wants to see; a list that is missing or empty admits all. */
export interface Filter {
  readonly agents?: readonly string[];
  readonly types?: readonly string[];
  readonly gateways?: readonly string[];
}

/** A summary of measured durations in milliseconds. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Why a snapshot came instead of a continuation. */
export type SnapshotReason = "first" | "epoch_changed" | "expired" | "ahead" | "filter" | "slow_consumer";
/** Whether the daemon watches real gateways or a simulation. */
export type Source = "live" | "simulated";

/** The answer to `hello`: whether the stream goes on at the cursor or a snapshot follows. */
export interface WelcomeFrame {
  readonly op: "welcome";
  readonly protocol: number;
  readonly session: string;
  readonly resume: "continued" | "snapshot";
  readonly reason: string | null;
  readonly cursor: Cursor;
  /** The journal's newest offset: who continues is current once it is there. Older daemons do not tell it. */
  readonly head?: number;
  readonly server_time: number;
  readonly policy: { readonly ping_interval_ms: number };
  readonly source: Source;
}

/** Everything that the daemon shows, at `cursor`. */
export interface SnapshotFrame {
  readonly op: "snapshot";
  readonly reason: string;
  readonly cursor: Cursor;
  readonly gateways: readonly GatewayView[];
  readonly agents: readonly AgentView[];
  readonly messages: readonly MessageView[];
  /** Newest last. */
  readonly feed: readonly ActivityEvent[];
}

/** Events, in order of offset. */
export interface EventsFrame {
  readonly op: "events";
  readonly events: readonly Envelope[];
  /** The cursor after this frame. */
  readonly offset: number;
}

/** The answer to a ping: its `t`, and the daemon's time. */
export interface PongFrame {
  readonly op: "pong";
  readonly t: number;
  readonly server_time: number;
}

/** What the daemon says of itself, such as that it cannot store. */
export interface NoticeFrame {
  readonly op: "notice";
  readonly level: string;
  readonly code: string;
  readonly message: string;
}

/** Why the daemon is about to close the connection. */
export interface ErrorFrame {
  readonly op: "error";
  readonly code: string;
  readonly message: string;
}

/** A frame with an `op` that this client doesn't know; the protocol says to ignore it. */
export interface UnknownFrame {
  readonly op: "unknown";
}

/** Any frame from the daemon, by its `op`. */
export type ServerFrame =
  | WelcomeFrame
  | SnapshotFrame
  | EventsFrame
  | PongFrame
  | NoticeFrame
  | ErrorFrame
  | UnknownFrame;

/** How a program names itself to the daemon, which lists it among its subscribers. */
export interface ClientName {
  readonly name: string;
  readonly version: string;
}

/** Any frame to the daemon, by its `op`. */
export type ClientFrame =
  | {
      readonly op: "hello";
      readonly token?: string;
      readonly client: ClientName;
      readonly filter?: Filter;
      readonly cursor?: Cursor;
    }
  | { readonly op: "ping"; readonly t: number }
  | {
      readonly op: "report";
      readonly render_ms: Percentiles;
      readonly duplicates: number;
      readonly gaps: number;
    };

/** What `GET /v1/config` tells before anyone has signed in. */
export interface ServerConfig {
  readonly auth: { readonly mode: "none" | "token" };
  readonly protocol: number;
  readonly source: Source;
}
