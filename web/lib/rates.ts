/** How many events of each agent came in each of the last seconds, since the page was opened. */

import type { AgentKey } from "./view.ts";

/** How many seconds are kept. */
export const SECONDS = 60;

interface Ring {
  readonly counts: Uint16Array;
  /** The newest second that is counted in `counts`. */
  second: number;
}

/** Counts for each agent and second. */
export class Rates {
  readonly #rings = new Map<AgentKey, Ring>();

  /** Forget all of them. */
  clear(): void {
    this.#rings.clear();
  }

  /** Count `events` that came at `now` (ms). */
  add(agent: AgentKey, events: number, now: number): void {
    const second = Math.floor(now / 1_000);
    let ring = this.#rings.get(agent);
    if (ring === undefined) {
      ring = { counts: new Uint16Array(SECONDS), second };
      this.#rings.set(agent, ring);
    }
    forward(ring, second);
    ring.counts[second % SECONDS] = (ring.counts[second % SECONDS] ?? 0) + events;
  }

  /** The counts of the last full seconds before `now`, oldest first; null for an agent of which nothing came. */
  of(agent: AgentKey, now: number): readonly number[] | null {
    const ring = this.#rings.get(agent);
    if (ring === undefined) return null;
    const last = Math.floor(now / 1_000) - 1;
    return Array.from({ length: SECONDS - 1 }, (_, place) => {
      const second = last - (SECONDS - 2) + place;
      return second > ring.second || second <= ring.second - SECONDS ? 0 : (ring.counts[second % SECONDS] ?? 0);
    });
  }
}

/** Make room for the seconds up to this one. */
function forward(ring: Ring, second: number): void {
  for (let next = Math.max(ring.second + 1, second - SECONDS + 1); next <= second; next += 1) {
    ring.counts[next % SECONDS] = 0;
  }
  ring.second = Math.max(ring.second, second);
}
