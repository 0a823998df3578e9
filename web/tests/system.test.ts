import { describe, expect, test } from "vitest";
import { decodeActors, type Node, rowsOf } from "../components/system/actors.ts";
import { decodeSystem, type Sample, type SystemState, sampled } from "../components/system/state.ts";
import { bytes } from "../lib/describe.ts";

const answer = (journal: object = {}, more: object = {}) => ({
  time: 10_000,
  instance: "i",
  started_at: 5_000,
  rendering: null,
  subscribers: [],
  sinks: [],
  ...more,
  journal: {
    epoch: "e",
    head: 1,
    events: 1,
    waiting: 0,
    bytes: null,
    oldest_at: null,
    stalled_since: null,
    commit_ms: { count: 1, p50: 1, p95: 4, p99: 5, max: 6 },
    retention: { max_age_s: null, max_events: null, max_bytes: null, compact_after_s: null },
    ...journal,
  },
});

const state = (time: number, head: number, epoch = "e", instance = "i"): SystemState => {
  const decoded = decodeSystem(answer({ head, epoch }, { time, instance }));
  if (decoded === null) throw new Error("a test's state is malformed");
  return decoded;
};

describe("looks at the daemon", () => {
  test("give how fast the journal grows, from the second one on", () => {
    const first = sampled([], null, state(10_000, 100));
    const second = sampled(first, state(10_000, 100), state(12_000, 160));
    expect(second).toEqual<readonly Sample[]>([
      { at: 10, eventsPerSecond: null, commitMs: 4 },
      { at: 12, eventsPerSecond: 30, commitMs: 4 },
    ]);
  });

  test("begin anew with another journal, or another start of the daemon", () => {
    const before = state(10_000, 100);
    const samples = sampled([], null, before);
    expect(sampled(samples, before, state(11_000, 5, "other"))).toHaveLength(1);
    expect(sampled(samples, before, state(11_000, 110, "e", "other"))).toHaveLength(1);
  });

  test("of something else are none", () => {
    const others = [
      null,
      3,
      {},
      { ...answer(), journal: null },
      answer({ head: "1" }),
      answer({ retention: null }),
      answer({ stalled_since: "long" }),
      answer({}, { sinks: [{ name: "webhook" }] }),
      answer({}, { subscribers: [null] }),
      answer({}, { rendering: {} }),
    ];
    for (const value of others) expect(decodeSystem(value)).toBeNull();
    expect(decodeActors({ tree: { path: "root", state: "running", children: [] } })).toBeNull();
  });
});

test("a closed node hides what is below it, and nothing else", () => {
  const node = (path: string, children: readonly Node[] = []) =>
    ({ path, state: "running", children }) as unknown as Node;
  const tree = node("root", [node("root/a", [node("root/a/1")]), node("root/b")]);
  const paths = (closed: readonly string[]) =>
    rowsOf(tree, new Set(closed)).map((row) => [row.node.path, row.depth] as const);
  expect(paths([])).toEqual([
    ["root", 0],
    ["root/a", 1],
    ["root/a/1", 2],
    ["root/b", 1],
  ]);
  expect(paths(["root/a"]).map(([path]) => path)).toEqual(["root", "root/a", "root/b"]);
});

test("sizes are in their largest sensible unit", () => {
  expect([0, 512, 1_536, 300 * 1_024, 5 * 1_024 ** 3].map(bytes)).toEqual([
    "0 B",
    "512 B",
    "1.5 KiB",
    "300 KiB",
    "5.0 GiB",
  ]);
});
