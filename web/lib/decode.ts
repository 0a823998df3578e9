/**
 * From text to typed frames, at the rim: nothing here throws, whatever arrives.
 *
 * A frame that has not its op's shape is refused whole (null). Inside `events` and `snapshot` a single entry without
 * its shape is left out and counted, so that one bad entry doesn't cost the operator the rest. Unknown ops, event types
 * and fields are no errors: the protocol grows that way.
 */

import {
  type ActivityEvent,
  AGENT_STATUSES,
  type AgentView,
  type Clocks,
  type Cursor,
  type Envelope,
  FINAL_STATES,
  type GatewayView,
  LINK_STATES,
  type MessageView,
  ROLES,
  type ServerConfig,
  type ServerFrame,
} from "./protocol.ts";

/** A decoded frame, and how many of its entries had to be left out. */
export interface Decoded {
  readonly frame: ServerFrame;
  readonly malformed: number;
}

type Bag = Record<string, unknown>;

const isBag = (v: unknown): v is Bag => typeof v === "object" && v !== null && !Array.isArray(v);
const isText = (v: unknown): v is string => typeof v === "string";
const isNumber = (v: unknown): v is number => typeof v === "number" && Number.isFinite(v);
const isWhole = (v: unknown): v is number => Number.isSafeInteger(v);
const isCount = (v: unknown): v is number => isWhole(v) && v >= 0;
const isTimeOrNull = (v: unknown): v is number | null => v === null || isWhole(v);
const optional = (v: unknown, is: (v: unknown) => boolean): boolean => v === undefined || is(v);
const oneOf = (v: unknown, allowed: readonly string[]): boolean => isText(v) && allowed.includes(v);

const isCursor = (v: unknown): v is Cursor => isBag(v) && isText(v.epoch) && isCount(v.offset);

const isClocks = (v: unknown): v is Clocks =>
  isBag(v) && isTimeOrNull(v.transport_at) && isTimeOrNull(v.heartbeat_at) && isTimeOrNull(v.progress_at);

const isMessagePart = (p: Bag): boolean =>
  isText(p.message_id) && isText(p.run_id) && isText(p.session) && oneOf(p.role, ROLES);

const PAYLOADS: Readonly<Record<string, (p: Bag) => boolean>> = {
  "conversation.chunk": (p) => isMessagePart(p) && isCount(p.index) && isText(p.delta) && isCount(p.start),
  "conversation.final": (p) =>
    isMessagePart(p) &&
    isText(p.text) &&
    oneOf(p.state, FINAL_STATES) &&
    isCount(p.chunks) &&
    optional(p.error, isText) &&
    optional(p.model, isText) &&
    optional(p.usage, isBag) &&
    optional(p.duration_ms, isWhole) &&
    optional(p.started_at, isWhole),
  "activity.event": (p) =>
    isText(p.kind) &&
    isText(p.title) &&
    optional(p.run_id, isText) &&
    optional(p.session, isText) &&
    optional(p.tool, isText) &&
    optional(p.detail, isBag) &&
    optional(p.duration_ms, isWhole),
  heartbeat: (p) =>
    oneOf(p.status, AGENT_STATUSES) &&
    (p.previous === null || oneOf(p.previous, AGENT_STATUSES)) &&
    isText(p.reason) &&
    isClocks(p.clocks),
  "system.status": (p) =>
    isText(p.component) &&
    isText(p.id) &&
    isText(p.state) &&
    isText(p.detail) &&
    (p.component !== "gateway" || oneOf(p.state, LINK_STATES)) &&
    optional(p.previous, isText) &&
    optional(p.kind, isText) &&
    optional(p.attempt, isCount) &&
    optional(p.retry_at, isTimeOrNull) &&
    optional(p.last_event_at, isTimeOrNull) &&
    optional(p.missing_since, isTimeOrNull),
};

function envelope(v: unknown): Envelope | null {
  if (!isBag(v) || !isText(v.type) || !isText(v.event_id) || !isWhole(v.timestamp) || !isText(v.gateway)) return null;
  if (!isCount(v.sequence)) return null;
  if (v.offset !== null && !(isCount(v.offset) && v.offset >= 1)) return null;
  if (v.agent_id !== null && !isText(v.agent_id)) return null;
  const fits = PAYLOADS[v.type];
  if (fits === undefined) return { ...v, type: "unknown", payload: null } as Envelope;
  if (!isBag(v.payload) || !fits(v.payload)) return null;
  if (v.agent_id === null && v.type !== "system.status") return null;
  return v as unknown as Envelope;
}

function activity(v: unknown): ActivityEvent | null {
  const event = envelope(v);
  return event?.type === "activity.event" ? event : null;
}

function gateway(v: unknown): GatewayView | null {
  const fits =
    isBag(v) &&
    isText(v.id) &&
    isText(v.kind) &&
    oneOf(v.state, LINK_STATES) &&
    isWhole(v.since) &&
    isTimeOrNull(v.last_event_at) &&
    isCount(v.attempt) &&
    isTimeOrNull(v.retry_at) &&
    isText(v.detail) &&
    optional(v.missing_since, isTimeOrNull);
  return fits ? ({ missing_since: null, ...v } as unknown as GatewayView) : null;
}

const isRun = (v: unknown): boolean =>
  isBag(v) &&
  isText(v.run_id) &&
  isText(v.session) &&
  isWhole(v.started_at) &&
  (v.tool === null || isText(v.tool)) &&
  isWhole(v.progress_at) &&
  optional(v.stalled_since, isWhole);

const isCounters = (v: unknown): boolean =>
  isBag(v) && isCount(v.messages) && isCount(v.runs) && isCount(v.failures) && isCount(v.tools) && isCount(v.gaps);

function agent(v: unknown): AgentView | null {
  const fits =
    isBag(v) &&
    isText(v.id) &&
    isText(v.gateway) &&
    isText(v.name) &&
    oneOf(v.status, AGENT_STATUSES) &&
    isText(v.reason) &&
    isClocks(v.clocks) &&
    Array.isArray(v.sessions) &&
    v.sessions.every(isText) &&
    (v.run === null || isRun(v.run)) &&
    Array.isArray(v.runs) &&
    v.runs.every(isRun) &&
    typeof v.listed === "boolean" &&
    isTimeOrNull(v.last_event_at) &&
    isCounters(v.counters);
  return fits ? (v as unknown as AgentView) : null;
}

function message(v: unknown): MessageView | null {
  const fits =
    isBag(v) &&
    isMessagePart(v) &&
    isText(v.agent_id) &&
    isText(v.gateway) &&
    isText(v.text) &&
    isWhole(v.timestamp) &&
    isCount(v.offset) &&
    (v.state === "streaming" ? isCount(v.next_index) : oneOf(v.state, FINAL_STATES)) &&
    optional(v.error, isText);
  return fits ? (v as unknown as MessageView) : null;
}

/** The entries that have their shape; `refused` counts the others. */
function entries<T>(list: readonly unknown[], read: (v: unknown) => T | null): { kept: T[]; refused: number } {
  const kept: T[] = [];
  for (const item of list) {
    const entry = read(item);
    if (entry !== null) kept.push(entry);
  }
  return { kept, refused: list.length - kept.length };
}

function eventsFrame(v: Bag): Decoded | null {
  if (!Array.isArray(v.events) || !isCount(v.offset)) return null;
  const events = entries(v.events, envelope);
  return { frame: { op: "events", events: events.kept, offset: v.offset }, malformed: events.refused };
}

function snapshotFrame(v: Bag): Decoded | null {
  const { gateways, agents, messages, feed } = v;
  if (!isCursor(v.cursor) || !isText(v.reason) || !Array.isArray(gateways) || !Array.isArray(agents)) return null;
  if (!Array.isArray(messages) || !Array.isArray(feed)) return null;
  const g = entries(gateways, gateway);
  const a = entries(agents, agent);
  const m = entries(messages, message);
  const f = entries(feed, activity);
  return {
    frame: {
      op: "snapshot",
      reason: v.reason,
      cursor: v.cursor,
      gateways: g.kept,
      agents: a.kept,
      messages: m.kept,
      feed: f.kept,
    },
    malformed: g.refused + a.refused + m.refused + f.refused,
  };
}

const SHAPES: Readonly<Record<string, (v: Bag) => boolean>> = {
  welcome: (v) =>
    isWhole(v.protocol) &&
    isText(v.session) &&
    oneOf(v.resume, ["continued", "snapshot"]) &&
    (v.reason === null || isText(v.reason)) &&
    isCursor(v.cursor) &&
    optional(v.head, isWhole) &&
    isWhole(v.server_time) &&
    isBag(v.policy) &&
    isNumber(v.policy.ping_interval_ms) &&
    v.policy.ping_interval_ms > 0 &&
    oneOf(v.source, ["live", "simulated"]),
  pong: (v) => isNumber(v.t) && isWhole(v.server_time),
  notice: (v) => isText(v.level) && isText(v.code) && isText(v.message),
  error: (v) => isText(v.code) && isText(v.message),
};

/** One text frame from the daemon, or null when it is not JSON or has not its op's shape. */
export function decodeFrame(text: string): Decoded | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isBag(value) || !isText(value.op)) return null;
  if (value.op === "events") return eventsFrame(value);
  if (value.op === "snapshot") return snapshotFrame(value);
  const fits = SHAPES[value.op];
  if (fits === undefined) return { frame: { op: "unknown" }, malformed: 0 };
  return fits(value) ? { frame: value as unknown as ServerFrame, malformed: 0 } : null;
}

/** A page of messages or activities, or null when it is something else; what has not its shape is left out. */
export interface Page<T> {
  readonly epoch: string;
  readonly entries: readonly T[];
  /** Where the page after it begins, if there is one. */
  readonly next: number | null;
}

export function decodeMessages(value: unknown): Page<MessageView> | null {
  return isBag(value) ? page(value, value.messages, message) : null;
}

export function decodeFeed(value: unknown): Page<ActivityEvent> | null {
  return isBag(value) ? page(value, value.events, activity) : null;
}

function page<T>(value: Bag, list: unknown, read: (v: unknown) => T | null): Page<T> | null {
  if (!isText(value.epoch) || !Array.isArray(list) || !(value.next === null || isCount(value.next))) return null;
  return { epoch: value.epoch, entries: entries(list, read).kept, next: value.next };
}

/** The answer of `GET /v1/config`, or null when it is something else. */
export function decodeConfig(value: unknown): ServerConfig | null {
  const fits =
    isBag(value) && isBag(value.auth) && oneOf(value.auth.mode, ["none", "token"]) && isNumber(value.protocol);
  return fits ? (value as unknown as ServerConfig) : null;
}
