/**
 * A subscription to a Mission Control daemon, without any framework: what the package `mission-control-client` gives.
 *
 * Most users need `missionControl`, `browserRim`, `phase` and `overall`, or the hooks of `mission-control-client/react`.
 * What is exported here is the package's promise and follows its version; the other files may change at any time. Field
 * names are the protocol's own, times are milliseconds since the Unix epoch.
 */

// The protocol.
export { type Decoded, decodeFrame } from "./decode.ts";
// The subscription, and the world around it.
export { type Asking, RequestError, withQuery } from "./http.ts";
// The session, and what can be said of it.
export { type Overall, overall } from "./overall.ts";
// What is followed: gateways, agents, conversations, activity.
export { Past, type PastState } from "./past.ts";
export type { Problem } from "./problem.ts";
export {
  type ActivityEvent,
  type ActivityPayload,
  type AgentStatus,
  type AgentView,
  type ChunkEvent,
  type ChunkPayload,
  type ClientFrame,
  type ClientName,
  type Clocks,
  type Counters,
  type Cursor,
  type Envelope,
  type ErrorFrame,
  type EventsFrame,
  type Filter,
  type FinalEvent,
  type FinalPayload,
  type FinalState,
  type GatewayView,
  type HeartbeatEvent,
  type HeartbeatPayload,
  type LinkState,
  type MessageState,
  type MessageView,
  type NoticeFrame,
  type Percentiles,
  type PongFrame,
  PROTOCOL,
  type Role,
  type RunView,
  type ServerConfig,
  type ServerFrame,
  type SnapshotFrame,
  type Source,
  type StatusEvent,
  type StatusPayload,
  SUBPROTOCOL,
  type UnknownEvent,
  type UnknownFrame,
  type WelcomeFrame,
} from "./protocol.ts";
export type { Rates } from "./rates.ts";
export { reduce } from "./session.ts";
export {
  type Effect,
  INITIAL,
  type Input,
  type Link,
  phase,
  type SessionState,
  type Start,
  type Step,
  serverOffset,
  type TokenGiver,
} from "./session-state.ts";
export {
  type BrowserOptions,
  browserRim,
  type Happening,
  type MakeRim,
  type OutsideEffect,
  type Rim,
} from "./socket.ts";
export { type Diagnostics, type MissionControl, missionControl } from "./store.ts";
export type { Strip } from "./strip.ts";
export { type CallState, type Item, type ToolCall, timeline } from "./timeline.ts";
export type { TokenSource } from "./token.ts";
export { VERSION } from "./version.ts";
export { type AgentKey, agentKey, type Message, type View } from "./view.ts";
