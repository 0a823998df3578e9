/** Asking the daemon again and again, without React: what is known, since when, and what is wrong with it. */

import { RequestError } from "../../lib/http.ts";
import { NO_ANSWER, NOT_UNDERSTOOD, type Problem } from "../../lib/problem.ts";

export interface Polled<T> {
  /** The last answer that was understood. */
  readonly value: T | null;
  /** When it came, by this machine's clock. */
  readonly at: number | null;
  /** Why there is no newer one. */
  readonly problem: Problem | null;
}

/** What is shown is not current: when it was, and why it is not any more. */
export interface Outdated {
  readonly at: number;
  readonly problem: Problem;
}

export const UNASKED = { value: null, at: null, problem: null };

/** Null while what is known is current, and while nothing is known. */
export function outdated({ at, problem }: Polled<unknown>): Outdated | null {
  return at === null || problem === null ? null : { at, problem };
}

/** The link is down: nobody is asked, and what is known gets old. */
export function cutOff<T>(before: Polled<T>): Polled<T> {
  return before.value === null ? before : { ...before, problem: before.problem ?? NOT_CONNECTED };
}

export const NOT_CONNECTED: Problem = { code: "not_connected", message: "This page is not connected." };

/** An answer comes from memory: one that takes longer is not worth waiting for. */
const PATIENCE_MS = 10_000;

export interface Polling<T> {
  readonly ask: (signal: AbortSignal) => Promise<unknown>;
  /** Null for what is not understood. */
  readonly decode: (answer: unknown) => T | null;
  /** From an answer to the next question: two never overlap, so that no late answer takes the place of a newer one. */
  readonly everyMs: number;
  /** Whether anybody looks; nothing is asked while nobody does. */
  readonly seen: () => boolean;
  readonly update: (change: (before: Polled<T>) => Polled<T>) => void;
}

/** Begins at once; gives what ends it. */
export function poll<T>({ ask, decode, everyMs, seen, update }: Polling<T>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking: AbortController | null = null;
  let ended = false;

  const answer = async (): Promise<(before: Polled<T>) => Polled<T>> => {
    const mine = new AbortController();
    asking = mine;
    const patience = setTimeout(() => mine.abort(), PATIENCE_MS);
    try {
      const value = decode(await ask(mine.signal));
      if (value === null) return (before) => ({ ...before, problem: NOT_UNDERSTOOD });
      const at = Date.now();
      return () => ({ value, at, problem: null });
    } catch (error) {
      const problem = error instanceof RequestError ? error.problem : NO_ANSWER;
      return (before) => ({ ...before, problem });
    } finally {
      clearTimeout(patience);
    }
  };

  const round = async (): Promise<void> => {
    const change = seen() ? await answer() : null;
    if (ended) return;
    if (change !== null) update(change);
    timer = setTimeout(() => void round(), everyMs);
  };

  void round();
  return () => {
    ended = true;
    asking?.abort();
    clearTimeout(timer);
  };
}
