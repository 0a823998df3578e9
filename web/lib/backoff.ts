/**
 * How long to wait before the next attempt: full jitter, so that clients that lost the same daemon don't return in step
 * (AWS Architecture Blog, "Exponential Backoff and Jitter").
 */

export const FIRST_MS = 250;
export const CEILING_MS = 5_000;

/** The longest wait before attempt number `attempt`, counted from 1. */
export function bound(attempt: number): number {
  return Math.min(CEILING_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 30));
}

/** A wait in ms; `random` gives a number in [0, 1). */
export function backoff(attempt: number, random: () => number): number {
  return Math.round(random() * bound(attempt));
}
