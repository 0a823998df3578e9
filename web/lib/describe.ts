/** Words for numbers and states, the same on every part of the page. */

import type { AgentStatus, LinkState, MessageState, RunView } from "./protocol.ts";
import type { Message } from "./view.ts";

export const LINK_WORDS: Readonly<Record<LinkState, string>> = {
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  disconnected: "Disconnected",
};

export const STATUS_WORDS: Readonly<Record<AgentStatus, string>> = {
  online: "Online",
  degraded: "Degraded",
  offline: "Offline",
};

export const MESSAGE_WORDS: Readonly<Record<MessageState, string>> = {
  streaming: "Streaming",
  complete: "Complete",
  aborted: "Aborted",
  error: "Failed",
  interrupted: "Interrupted",
};

/** A duration in its largest sensible unit: `4 s`, `12 min`, `3 h`, `2 d`. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** How long ago, in words; the first seconds are "now", since clocks and frames are no better than that. */
export function ago(milliseconds: number): string {
  return milliseconds < 2_000 ? "now" : `${span(milliseconds)} ago`;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** What an agent is doing now and since when, or null when nothing is open. */
export function activityOf(run: RunView | null, newest: Message | undefined): Doing | null {
  if (run !== null && run.stalled_since === run.progress_at) {
    return { words: "Stalled", since: run.progress_at, stalled: true };
  }
  const words = run?.tool ? `Using ${run.tool}` : newest?.state === "streaming" ? "Writing" : "Working";
  if (run === null) return words === "Writing" ? { words, since: null, stalled: false } : null;
  return { words, since: run.started_at, stalled: false };
}

export interface Doing {
  readonly words: string;
  /** Milliseconds, or null where that is not known. */
  readonly since: number | null;
  readonly stalled: boolean;
}

/** A line for people with a full stop at its end, so that another sentence can follow. */
export function sentence(line: string): string {
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
