/** Which agents of the fleet are shown, and in which order. Pure. */

import { activityOf } from "../../lib/describe.ts";
import type { AgentStatus, AgentView } from "../../lib/protocol.ts";
import type { AgentKey, View } from "../../lib/view.ts";

export const SORTS = ["trouble", "name", "gateway", "seen"] as const;
export type Sort = (typeof SORTS)[number];

export const SORT_WORDS: Readonly<Record<Sort, string>> = {
  trouble: "Status, trouble first",
  name: "Name",
  gateway: "Gateway",
  seen: "Last seen",
};

export interface Choice {
  readonly search: string;
  readonly status: AgentStatus | null;
  readonly gateway: string | null;
  readonly sort: Sort;
}

export type Entry = readonly [AgentKey, AgentView];

const { compare } = new Intl.Collator();
const SEVERITY: Readonly<Record<AgentStatus, number>> = { degraded: 0, offline: 1, online: 2 };

const byName = ([a, x]: Entry, [b, y]: Entry): number => compare(x.name, y.name) || compare(a, b);

const ORDERS: Readonly<Record<Sort, (a: Entry, b: Entry) => number>> = {
  trouble: (a, b) => SEVERITY[a[1].status] - SEVERITY[b[1].status] || byName(a, b),
  name: byName,
  gateway: (a, b) => compare(a[1].gateway, b[1].gateway) || byName(a, b),
  seen: (a, b) => (b[1].last_event_at ?? 0) - (a[1].last_event_at ?? 0) || byName(a, b),
};

/** Pinned agents come first, in the same order among themselves. */
export function chosen(agents: View["agents"], choice: Choice, pins: ReadonlySet<AgentKey>): readonly Entry[] {
  const search = choice.search.trim().toLowerCase();
  const found = [...agents].filter(
    ([key, agent]) =>
      (choice.status === null || agent.status === choice.status) &&
      (choice.gateway === null || agent.gateway === choice.gateway) &&
      (search === "" || words(key, agent).includes(search)),
  );
  const order = ORDERS[choice.sort];
  const rank = ([key]: Entry): number => (pins.has(key) ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b) || order(a, b));
}

function words(key: AgentKey, agent: AgentView): string {
  const doing = activityOf(agent.run, undefined)?.words ?? "idle";
  return `${key} ${agent.name} ${agent.status} ${doing} ${agent.reason}`.toLowerCase();
}
