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

/**
 * Which attempt it is, and in how many seconds the next is made. `now` is the present second, rounded down as `useNow`
 * gives it, so what is left of the wait comes out rounded up; while it waits there is always something left.
 */
export function progress(attempt: number, retryAt: number | null, now: number): string {
  const wait = retryAt === null ? 0 : retryAt - now;
  return wait <= 0 ? `attempt ${attempt}` : `attempt ${attempt}, next try in ${span(Math.max(1_000, wait))}`;
}

/** A size in its largest sensible unit: `512 B`, `3.4 MiB`. */
export function bytes(size: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, size)) / 10));
  const value = size / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
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

/** A line for people as a sentence: with a capital, and a full stop at its end, so that it may stand between others. */
export function sentence(line: string): string {
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}${/[.!?]$/.test(line) ? "" : "."}`;
}
