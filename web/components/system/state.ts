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

type Bag = Record<string, unknown>;

const isBag = (v: unknown): v is Bag => typeof v === "object" && v !== null && !Array.isArray(v);
const areNumbers = (bag: Bag, ...names: string[]): boolean => names.every((name) => Number.isFinite(bag[name]));
const areNumbersOrNull = (bag: Bag, ...names: string[]): boolean =>
  names.every((name) => bag[name] === null || Number.isFinite(bag[name]));

/** Null when it is something else. What the view counts with is looked at: it has nothing else to rely on. */
export function decodeSystem(value: unknown): SystemState | null {
  if (!isBag(value) || !Array.isArray(value.subscribers) || !Array.isArray(value.sinks)) return null;
  const { rendering } = value;
  const fits =
    areNumbers(value, "time", "started_at") &&
    isJournal(value.journal) &&
    value.subscribers.every(isSubscriber) &&
    value.sinks.every(isSink) &&
    (rendering === null || (isBag(rendering) && areNumbers(rendering, "p95")));
  return fits ? (value as unknown as SystemState) : null;
}

function isJournal(value: unknown): boolean {
  return (
    isBag(value) &&
    typeof value.epoch === "string" &&
    areNumbers(value, "head", "events", "waiting") &&
    areNumbersOrNull(value, "bytes", "oldest_at", "stalled_since") &&
    (value.commit_ms === null || (isBag(value.commit_ms) && areNumbers(value.commit_ms, "p95"))) &&
    isBag(value.retention) &&
    areNumbersOrNull(value.retention, "max_age_s", "max_events", "max_bytes")
  );
}

function isSubscriber(value: unknown): boolean {
  return (
    isBag(value) &&
    (value.client === null || isBag(value.client)) &&
    areNumbers(value, "connected_at", "lag", "buffered_bytes", "resets")
  );
}

function isSink(value: unknown): boolean {
  return (
    isBag(value) &&
    areNumbers(value, "lag", "waiting", "delivered", "given_up", "dropped") &&
    areNumbersOrNull(value, "failing_since") &&
    (value.last_failed === null || (isBag(value.last_failed) && areNumbers(value.last_failed, "timestamp")))
  );
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
