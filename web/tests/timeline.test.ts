import { describe, expect, test } from "vitest";
import { decodeFrame } from "../lib/decode.ts";
import type { ActivityEvent } from "../lib/protocol.ts";
import { callsOf, timeline } from "../lib/timeline.ts";
import { envelope } from "./harness.ts";

function activities(...list: readonly (readonly [number, string, object?])[]): readonly ActivityEvent[] {
  const events = list.map(([at, kind, more], place) =>
    envelope(place + 1, "activity.event", { kind, title: kind, run_id: "r", session: "s", ...more }, { timestamp: at }),
  );
  const frame = decodeFrame(JSON.stringify({ op: "events", events, offset: 0 }))?.frame;
  if (frame?.op !== "events" || frame.events.length !== events.length) throw new Error("a test's event is malformed");
  return frame.events as readonly ActivityEvent[];
}

const call = (id: string, more: object = {}) => ({ tool: "exec", detail: { call_id: id, ...more } });

describe("tool calls", () => {
  test("are put together from their parts", () => {
    const [made] = callsOf(
      activities(
        [10, "tool.started", call("1", { arguments: { command: "ls" } })],
        [20, "tool.progress", call("1", { result: "so far" })],
        [30, "tool.finished", { ...call("1", { result: "all" }), duration_ms: 20 }],
      ),
    );
    expect(made).toMatchObject({
      tool: "exec",
      arguments: { command: "ls" },
      result: "all",
      state: "finished",
      startedAt: 10,
      endedAt: 30,
      durationMs: 20,
    });
  });

  test("that failed, run, or ended with their runs are told apart", () => {
    const states = callsOf(
      activities(
        [10, "tool.started", call("1")],
        [11, "tool.failed", call("1")],
        [12, "tool.started", call("2")],
        [13, "run.finished"],
        [14, "tool.started", { ...call("3"), run_id: "other" }],
      ),
    ).map(({ state }) => state);
    expect(states).toEqual(["failed", "unknown", "running"]);
  });

  test("an id that is given again is another call", () => {
    const calls = callsOf(
      activities(
        [10, "tool.started", call("1")],
        [11, "tool.finished", call("1")],
        [20, "tool.started", call("1")],
        [21, "tool.finished", call("1")],
      ),
    );
    expect(calls.map(({ startedAt }) => startedAt)).toEqual([10, 20]);
    expect(new Set(calls.map(({ key }) => key)).size).toBe(2);
  });

  test("a start that is told after its end is the same call's", () => {
    const calls = callsOf(
      activities([20, "tool.finished", call("1")], [10, "tool.started", call("1", { arguments: { path: "x" } })]),
    );
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ startedAt: 10, arguments: { path: "x" }, state: "finished" });
  });
});

test("the timeline has what befell runs, and nothing from before its messages", () => {
  const all = activities([5, "tool.started", call("0")], [20, "run.failed"], [30, "stream.gap"], [40, "agent.added"]);
  expect(timeline([], all, 10).map(({ at, type }) => [at, type])).toEqual([
    [20, "note"],
    [30, "note"],
  ]);
});
