import { expect, test } from "vitest";
import { type Choice, chosen } from "../components/fleet/choice.ts";
import type { AgentStatus, AgentView } from "../lib/protocol.ts";

const agent = (
  gateway: string,
  id: string,
  status: AgentStatus,
  last_event_at: number,
): readonly [string, AgentView] => [
  `${gateway}/${id}`,
  {
    id,
    gateway,
    name: id.toUpperCase(),
    status,
    reason: "its gateway is live",
    clocks: { transport_at: null, heartbeat_at: null, progress_at: null },
    sessions: [],
    run: null,
    runs: [],
    listed: true,
    last_event_at,
    counters: { messages: 0, runs: 0, failures: 0, tools: 0, gaps: 0 },
  },
];

const FLEET = new Map([
  agent("one", "b", "online", 3),
  agent("two", "a", "online", 9),
  agent("one", "c", "degraded", 1),
  agent("two", "d", "offline", 5),
]);
const ALL: Choice = { search: "", status: null, gateway: null, sort: "trouble" };
const keys = (choice: Partial<Choice>, pins: readonly string[] = []) =>
  chosen(FLEET, { ...ALL, ...choice }, new Set(pins)).map(([key]) => key);

test("trouble comes first, then by name", () => {
  expect(keys({})).toEqual(["one/c", "two/d", "two/a", "one/b"]);
});

test("each order is total, so that lines do not change places by themselves", () => {
  expect(keys({ sort: "name" })).toEqual(["two/a", "one/b", "one/c", "two/d"]);
  expect(keys({ sort: "gateway" })).toEqual(["one/b", "one/c", "two/a", "two/d"]);
  expect(keys({ sort: "seen" })).toEqual(["two/a", "two/d", "one/b", "one/c"]);
});

test("filters combine, and pins stay on top of what is left", () => {
  expect(keys({ gateway: "one", status: "online" })).toEqual(["one/b"]);
  expect(keys({ search: " DEGRADED " })).toEqual(["one/c"]);
  expect(keys({}, ["one/b"])).toEqual(["one/b", "one/c", "two/d", "two/a"]);
  expect(keys({ status: "degraded" }, ["one/b"])).toEqual(["one/c"]);
});
