/** A rolling summary of measured durations: the newest `capacity` samples, in a ring. */

import type { Percentiles } from "./protocol.ts";

export class LatencyWindow {
  readonly #samples: Float64Array;
  #count = 0;

  constructor(capacity: number) {
    this.#samples = new Float64Array(capacity);
  }

  add(milliseconds: number): void {
    this.#samples[this.#count % this.#samples.length] = milliseconds;
    this.#count += 1;
  }

  clear(): void {
    this.#count = 0;
  }

  /** `count` is how many were added since the last `clear`; the rest describes those still in the ring. */
  summary(): Percentiles {
    const sorted = this.#samples.slice(0, this.#count).sort();
    const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
    return { count: this.#count, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
  }
}
