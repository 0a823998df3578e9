/** The answer of `GET /v1/system`, as far as the page reads it (docs/protocol.md, "The daemon at one moment"). */

import type { Percentiles } from "../../lib/protocol.ts";

export interface JournalState {
  readonly kind: string;
  readonly epoch: string;
  readonly head: number;
  readonly kept_after: number;
  readonly events: number;
  readonly bytes: number | null;
  readonly oldest_at: number | null;
  readonly commit_ms: Percentiles | null;
  readonly waiting: number;
  readonly retention: Retention;
  readonly stalled_since: number | null;
}

export interface Retention {
  readonly max_age_s: number | null;
  readonly max_events: number | null;
  readonly max_bytes: number | null;
  readonly compact_after_s: number | null;
}

export interface SubscriberState {
  readonly session: string;
  readonly transport: string;
  readonly client: { readonly name: string; readonly version: string | null } | null;
  readonly connected_at: number;
  readonly lag: number;
  readonly buffered_bytes: number;
  readonly resets: number;
  readonly filtered: boolean;
}

export interface SinkState {
  readonly name: string;
  readonly endpoint: string | null;
  readonly lag: number;
  readonly waiting: number;
  readonly delivered: number;
  readonly given_up: number;
  readonly dropped: number;
  readonly failed_attempts: number;
  readonly failing_since: number | null;
  readonly next_attempt_at: number | null;
  readonly last_failed: { readonly problem: string; readonly timestamp: number } | null;
}

export interface SystemState {
  readonly time: number;
  readonly instance: string;
  readonly version: string;
  readonly started_at: number;
  readonly journal: JournalState;
  readonly subscribers: readonly SubscriberState[];
  readonly sinks: readonly SinkState[];
  readonly rendering: (Percentiles & { readonly duplicates: number; readonly gaps: number }) | null;
}

/** Null when it is something else. */
export function decodeSystem(value: unknown): SystemState | null {
  const state = value as SystemState | null;
  const fits =
    typeof state === "object" &&
    state !== null &&
    typeof state.journal === "object" &&
    typeof state.journal.head === "number" &&
    Array.isArray(state.subscribers) &&
    Array.isArray(state.sinks);
  return fits ? state : null;
}

/** One look at the daemon, for the charts. */
export interface Sample {
  /** In seconds since the epoch, as charts want it. */
  readonly at: number;
  /** Committed since the look before, in events a second; null for the first one. */
  readonly eventsPerSecond: number | null;
  /** The 95th percentile of the last commits, in ms. */
  readonly commitMs: number | null;
}

const SAMPLES_KEPT = 300;

/** With one more look at the end. Another journal begins anew. */
export function sampled(samples: readonly Sample[], before: SystemState | null, now: SystemState): readonly Sample[] {
  const follows = before !== null && before.journal.epoch === now.journal.epoch && before.instance === now.instance;
  const seconds = follows ? (now.time - before.time) / 1_000 : 0;
  const eventsPerSecond = seconds > 0 && before !== null ? (now.journal.head - before.journal.head) / seconds : null;
  const sample = { at: now.time / 1_000, eventsPerSecond, commitMs: now.journal.commit_ms?.p95 ?? null };
  return [...(follows ? samples : []), sample].slice(-SAMPLES_KEPT);
}
