/** One agent's conversation as a reader follows it: messages, tool calls and what befell its runs, in one line. */

import type { ActivityEvent } from "./protocol.ts";
import type { Message } from "./view.ts";

/** How far a tool call is; `unknown` when its run is over and nobody said how the call ended. */
export type CallState = "running" | "finished" | "failed" | "unknown";

/** A tool call, put together from what was told of it. */
export interface ToolCall {
  readonly key: string;
  readonly tool: string;
  readonly session: string;
  readonly arguments: unknown;
  /** The newest that it reported, or its result; undefined if there was neither. */
  readonly result: unknown;
  /** `unknown`: its run is over, and nobody said how the call ended. */
  readonly state: CallState;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly durationMs: number | null;
  /** Of the first event that told of it: where it stands. */
  readonly offset: number;
  /** Of the newest. */
  readonly changedAt: number;
}

/** One entry of a conversation; `at` is when it began, ms since the epoch. `note`: a failed or aborted run, or a gap. */
export type Item =
  | {
      readonly type: "message";
      readonly key: string;
      readonly at: number;
      readonly offset: number;
      readonly message: Message;
    }
  | {
      readonly type: "call";
      readonly key: string;
      readonly at: number;
      readonly offset: number;
      readonly call: ToolCall;
    }
  | {
      readonly type: "note";
      readonly key: string;
      readonly at: number;
      readonly offset: number;
      readonly event: ActivityEvent;
    };

/** What of an agent's activity stands between its messages. */
const NOTES: ReadonlySet<string> = new Set(["run.failed", "run.aborted", "stream.gap"]);
const RUN_ENDS: ReadonlySet<string> = new Set(["run.finished", "run.failed", "run.aborted"]);

/**
 * Everything in the order in which it began. `since`: older activities than this are left out, since the messages from
 * that time are not here either.
 */
export function timeline(messages: readonly Message[], activities: readonly ActivityEvent[], since: number): Item[] {
  const items: Item[] = messages.map((message) => ({
    type: "message",
    key: message.message_id,
    at: message.timestamp,
    offset: message.offset,
    message,
  }));
  for (const call of callsOf(activities)) {
    if (call.startedAt >= since)
      items.push({ type: "call", key: call.key, at: call.startedAt, offset: call.offset, call });
  }
  for (const event of activities) {
    if (NOTES.has(event.payload.kind) && event.timestamp >= since) {
      items.push({ type: "note", key: event.event_id, at: event.timestamp, offset: event.offset ?? 0, event });
    }
  }
  return items.sort((a, b) => a.at - b.at || a.offset - b.offset);
}

type Draft = { -readonly [K in keyof ToolCall]: ToolCall[K] } & { runId: string; startTold: boolean };

/** The tool calls that activities, oldest first, tell of. Some models give an id again, for another call. */
export function callsOf(activities: readonly ActivityEvent[]): readonly ToolCall[] {
  const calls: Draft[] = [];
  const open = new Map<string, Draft>();
  const halves = new Map<string, Draft>(); // calls of which the end was told, and not the start
  for (const event of activities) {
    const { kind, run_id = "" } = event.payload;
    if (RUN_ENDS.has(kind)) {
      for (const [id, call] of open) {
        if (run_id !== "" && call.runId === run_id) {
          call.state = "unknown";
          open.delete(id);
        }
      }
    } else if (kind.startsWith("tool.")) {
      tell(event, calls, open, halves);
    }
  }
  return calls;
}

/** Which call an activity of a tool tells of. */
export function callId({ payload }: ActivityEvent): string {
  return `${payload.session ?? ""}/${String(payload.detail?.call_id ?? "")}`;
}

function tell(event: ActivityEvent, calls: Draft[], open: Map<string, Draft>, halves: Map<string, Draft>): void {
  const { kind, run_id = "", session = "", tool = "a tool", detail = {}, duration_ms } = event.payload;
  const id = callId(event);
  let call = open.get(id);
  const half = kind === "tool.started" ? halves.get(id) : undefined;
  if (half?.endedAt != null && event.timestamp <= half.endedAt) {
    half.startedAt = event.timestamp;
    half.arguments = detail.arguments;
    half.changedAt = event.offset ?? half.changedAt;
    halves.delete(id);
    return;
  }
  if (call === undefined) {
    call = {
      key: `${id}/${event.offset ?? 0}`,
      tool,
      session,
      arguments: undefined,
      result: undefined,
      state: "running",
      startedAt: event.timestamp,
      endedAt: null,
      durationMs: null,
      offset: event.offset ?? 0,
      changedAt: event.offset ?? 0,
      runId: run_id,
      startTold: kind === "tool.started",
    };
    calls.push(call);
    open.set(id, call);
  }
  call.changedAt = event.offset ?? call.changedAt;
  if (detail.arguments !== undefined) call.arguments = detail.arguments;
  if (detail.result !== undefined) call.result = detail.result;
  if (kind === "tool.finished" || kind === "tool.failed") {
    call.state = kind === "tool.finished" ? "finished" : "failed";
    call.endedAt = event.timestamp;
    call.durationMs = duration_ms ?? null;
    open.delete(id);
    if (!call.startTold) halves.set(id, call);
  }
}

/** Whether two are one thing as it stood at one time. */
export function sameItem(a: Item, b: Item): boolean {
  if (a.type === "message") return b.type === "message" && a.message === b.message;
  if (a.type === "note") return b.type === "note" && a.event === b.event;
  return b.type === "call" && sameCall(a.call, b.call);
}

/** Whether two are one call as it stood at one time. */
export function sameCall(a: ToolCall, b: ToolCall): boolean {
  return a.key === b.key && a.changedAt === b.changedAt && a.state === b.state;
}
