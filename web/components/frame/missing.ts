/** What is declared to be missing: the gaps that the journal lists, beside how many there ever were. */

import { decodeFeed } from "../../lib/decode.ts";
import type { ActivityEvent } from "../../lib/protocol.ts";
import type { SessionState } from "../../lib/session-state.ts";

export interface Missing {
  /** Newest first. */
  readonly listed: readonly ActivityEvent[];
  /** Whether the journal has more than these. */
  readonly more: boolean;
  /** How many were declared of which the journal has nothing any more: retention took them. */
  readonly forgotten: number;
}

/** How many gaps were declared since the journal began. Agents' counters go on, whatever retention removes. */
export function declared({ view }: SessionState): number {
  let sum = 0;
  for (const agent of view.agents.values()) sum += agent.counters.gaps;
  return sum;
}

/**
 * The answer of `GET /v1/feed`, asked for gaps when `counted` were known of. Null when it is something else, or when any
 * entry is: a list of what is missing may not miss anything itself.
 */
export function decodeMissing(answer: unknown, counted: number): Missing | null {
  const page = decodeFeed(answer);
  if (page === null || page.entries.length < (answer as { events: unknown[] }).events.length) return null;
  const more = page.next !== null;
  return { listed: page.entries, more, forgotten: more ? 0 : Math.max(0, counted - page.entries.length) };
}
