import { describe, expect, test } from "vitest";
import { decodeFrame } from "../lib/decode.ts";
import { activityOf } from "../lib/describe.ts";
import { FEED_KEPT, Fold, keptOf, MESSAGES_KEPT } from "../lib/fold.ts";
import type { Envelope } from "../lib/protocol.ts";
import { agentKey, EMPTY_VIEW, type View } from "../lib/view.ts";
import { activity, chunk, envelope, final } from "./harness.ts";

const ATLAS = agentKey("main", "atlas");

function decoded(...events: object[]): readonly Envelope[] {
  const frame = decodeFrame(JSON.stringify({ op: "events", events, offset: 0 }))?.frame;
  if (frame?.op !== "events" || frame.events.length !== events.length) throw new Error("a test's event is malformed");
  return frame.events;
}

function folded(base: View, ...events: object[]): View {
  const fold = new Fold(base);
  for (const event of decoded(...events)) fold.apply(event);
  return fold.finish();
}

const apply = (base: View, event: object) => new Fold(base).apply(decoded(event)[0] as Envelope);
const conversation = (view: View) => view.conversations.get(ATLAS) ?? [];
const atlas = (view: View) => view.agents.get(ATLAS);

describe("conversations", () => {
  test("chunks are joined while streaming, and the final's text replaces them", () => {
    const streaming = folded(EMPTY_VIEW, chunk(1, 0, 0, "Hel"), chunk(2, 1, 3, "lo"));
    expect(conversation(streaming)[0]).toMatchObject({ text: "Hello", state: "streaming", next_index: 2, offset: 2 });
    const done = folded(streaming, final(3, "Hello!"));
    expect(conversation(done)).toHaveLength(1);
    expect(conversation(done)[0]).toMatchObject({ text: "Hello!", state: "complete", offset: 3 });
    expect(conversation(done)[0]).not.toHaveProperty("next_index");
  });

  test("starts are counted in code points, not in UTF-16 units", () => {
    const view = folded(EMPTY_VIEW, chunk(1, 0, 0, "🛰️ on"), chunk(2, 1, 5, " air"));
    expect(conversation(view)[0]?.text).toBe("🛰️ on air");
  });

  test("a chunk seen before is a duplicate; one from the future, or in another place, is a gap", () => {
    const view = folded(EMPTY_VIEW, chunk(1, 0, 0, "a"), chunk(2, 1, 1, "b"));
    expect(apply(view, chunk(3, 0, 0, "a"))).toBe("duplicate");
    expect(apply(view, chunk(3, 3, 3, "d"))).toBe("gap");
    expect(apply(view, chunk(3, 2, 5, "c"))).toBe("gap");
    expect(apply(view, chunk(3, 2, 2, "c"))).toBe("applied");
    expect(apply(EMPTY_VIEW, chunk(3, 4, 9, "late"))).toBe("gap");
    expect(apply(folded(view, final(3, "ab")), chunk(4, 2, 2, "c"))).toBe("duplicate");
  });

  test("messages stand in the order in which they began, whenever they ended", () => {
    const view = folded(
      EMPTY_VIEW,
      envelope(1, "conversation.chunk", part("slow", { index: 0, start: 0, delta: "s" }), { timestamp: 100 }),
      final(2, "quick", { message_id: "quick" }, { timestamp: 200 }),
      final(3, "slow", { message_id: "slow" }, { timestamp: 300 }),
      final(4, "asked", { message_id: "asked", role: "user", started_at: 50 }, { timestamp: 400 }),
    );
    expect(conversation(view).map((message) => message.message_id)).toEqual(["asked", "slow", "quick"]);
  });

  test("messages that began together stand in journal order", () => {
    const view = folded(EMPTY_VIEW, final(1, "", { message_id: "a" }), final(2, "", { message_id: "b" }));
    expect(conversation(view).map((message) => message.message_id)).toEqual(["a", "b"]);
  });

  test("of those that began together, one that goes on stands behind, as a snapshot has it", () => {
    const at = { timestamp: 100 };
    const view = folded(
      EMPTY_VIEW,
      envelope(1, "conversation.chunk", part("open", { index: 0, start: 0, delta: "a" }), at),
      final(2, "", { message_id: "ended" }, at),
      envelope(3, "conversation.chunk", part("open", { index: 1, start: 1, delta: "b" }), at),
    );
    expect(conversation(view).map((message) => message.message_id)).toEqual(["ended", "open"]);
  });

  test("the same agent id at two gateways is two agents", () => {
    const view = folded(EMPTY_VIEW, final(1, "x"), final(2, "y", {}, { gateway: "other" }));
    expect([...view.conversations.keys()]).toEqual(["main/atlas", "other/atlas"]);
    expect(view.agents.size).toBe(2);
  });

  test("an error stays with its message", () => {
    const view = folded(EMPTY_VIEW, final(1, "", { state: "error", error: "HTTP 500" }));
    expect(conversation(view)[0]).toMatchObject({ state: "error", error: "HTTP 500" });
  });

  test("old finals are let go, an open message never", () => {
    const many = Array.from({ length: MESSAGES_KEPT + 5 }, (_, n) =>
      final(n + 2, "x", { message_id: `f${n}` }, { timestamp: 2_000_000 + n }),
    );
    const view = folded(EMPTY_VIEW, chunk(1, 0, 0, "open"), ...many);
    expect(conversation(view)).toHaveLength(MESSAGES_KEPT);
    expect(conversation(view)[0]?.state).toBe("streaming");
  });

  test("the more agents there are, the fewer messages each keeps, so that all together stay within bounds", () => {
    expect([1, 20, 40, 200, 1_000].map(keptOf)).toEqual([MESSAGES_KEPT, MESSAGES_KEPT, 100, 20, 20]);
    const others = Array.from({ length: 199 }, (_, n) =>
      final(n + 1, "x", { message_id: `o${n}` }, { agent_id: `agent-${n}` }),
    );
    const many = Array.from({ length: 25 }, (_, n) => final(n + 300, "x", { message_id: `f${n}` }));
    const list = conversation(folded(EMPTY_VIEW, ...others, ...many));
    expect(list).toHaveLength(keptOf(200));
    expect(list.at(-1)?.message_id).toBe("f24");
  });
});

describe("agents", () => {
  test("two runs at once: the end of the newer one leaves the older one open", () => {
    const older = { run_id: "r1", session: "s" };
    const newer = { run_id: "r2", session: "t" };
    const both = folded(EMPTY_VIEW, activity(1, "run.started", older), activity(2, "run.started", newer));
    expect(atlas(both)?.run?.run_id).toBe("r2");
    expect(atlas(folded(both, activity(3, "run.finished", newer)))?.run?.run_id).toBe("r1");
    const working = folded(both, activity(3, "tool.started", { ...older, tool: "exec" }));
    expect(atlas(working)?.runs.map((run) => run.tool)).toEqual(["exec", null]);
  });

  test("a run opens, shows its tool, and closes only by its own end", () => {
    const run = { run_id: "r1", session: "s" };
    const open = folded(
      EMPTY_VIEW,
      activity(1, "run.started", run),
      activity(2, "tool.started", { ...run, tool: "exec" }),
    );
    const begun = { run_id: "r1", session: "s", started_at: 1_000_000 };
    expect(atlas(open)?.run).toEqual({ ...begun, tool: "exec", progress_at: 1_000_000 });
    const rested = folded(open, activity(3, "tool.finished", { ...run, tool: "exec" }));
    expect(atlas(rested)?.run?.tool).toBeNull();
    expect(atlas(folded(rested, activity(4, "run.finished", { run_id: "r0" })))?.run).not.toBeNull();
    expect(atlas(folded(rested, activity(4, "run.failed", run)))).toMatchObject({
      run: null,
      counters: { failures: 1 },
    });
    expect(atlas(folded(rested, activity(4, "run.aborted", run)))).toMatchObject({
      run: null,
      counters: { failures: 0 },
    });
  });

  test("its messages and its tools move a run on, what else is said of it does not", () => {
    const run = { run_id: "r1", session: "s" };
    const at = (timestamp: number) => ({ timestamp });
    const progress = (view: View) => atlas(view)?.run?.progress_at;
    let view = folded(EMPTY_VIEW, activity(1, "run.started", run, at(10)));
    expect(progress(view)).toBe(10);
    view = folded(view, activity(2, "stream.gap", run, at(20)), activity(3, "tool.progress", { run_id: "r2" }, at(20)));
    expect(progress(view)).toBe(10);
    view = folded(view, activity(4, "tool.started", { ...run, tool: "exec" }, at(30)));
    expect(progress(view)).toBe(30);
    view = folded(view, activity(5, "session.compaction", run, at(40)));
    expect(progress(view)).toBe(40);
    const text = part("m1", { run_id: "r1" });
    view = folded(view, envelope(6, "conversation.chunk", { ...text, index: 0, start: 0, delta: "a" }, at(50)));
    expect(progress(view)).toBe(50);
    view = folded(view, envelope(7, "conversation.chunk", { ...text, index: 1, start: 1, delta: "b" }, at(60)));
    expect(progress(view)).toBe(60);
    view = folded(
      view,
      envelope(8, "conversation.final", { ...text, text: "ab", state: "complete", chunks: 2 }, at(70)),
    );
    expect(progress(view)).toBe(70);
  });

  test("a run stands still from run.stalled until it moves on, and shows it until run.resumed", () => {
    const run = { run_id: "r1", session: "s" };
    const started = folded(EMPTY_VIEW, activity(1, "run.started", run, { timestamp: 10 }));
    const stalled = folded(started, activity(2, "run.stalled", run, { timestamp: 70 }));
    expect(atlas(stalled)?.run).toMatchObject({ progress_at: 10, stalled_since: 10 });
    expect(activityOf(atlas(stalled)?.run ?? null, undefined)).toEqual({ words: "Stalled", since: 10, stalled: true });
    const moved = folded(stalled, activity(3, "tool.started", { ...run, tool: "exec" }, { timestamp: 80 }));
    expect(atlas(moved)?.run).toMatchObject({ progress_at: 80, stalled_since: 10 });
    expect(activityOf(atlas(moved)?.run ?? null, undefined)).toMatchObject({ words: "Using exec", stalled: false });
    const resumed = folded(moved, activity(4, "run.resumed", run, { timestamp: 81 }));
    expect(atlas(resumed)?.run).not.toHaveProperty("stalled_since");
    expect(atlas(resumed)?.run?.progress_at).toBe(80);
  });

  test("a name comes with agent.added; removal keeps the agent and what it said", () => {
    const named = folded(EMPTY_VIEW, activity(1, "agent.added", { detail: { name: "Atlas" } }), final(2, "x"));
    const removed = folded(named, activity(3, "agent.removed"));
    expect(atlas(removed)?.name).toBe("Atlas");
    expect(conversation(removed)).toHaveLength(1);
  });

  test("the newest session stands last, each once", () => {
    const view = folded(
      EMPTY_VIEW,
      final(1, "", { message_id: "1", session: "a" }),
      final(2, "", { message_id: "2", session: "b" }),
      final(3, "", { message_id: "3", session: "a" }),
    );
    expect(atlas(view)?.sessions).toEqual(["b", "a"]);
  });

  test("a late event does not turn the last sign of life back", () => {
    const view = folded(EMPTY_VIEW, final(1, ""), activity(2, "run.started", {}, { timestamp: 5 }));
    expect(atlas(view)?.last_event_at).toBe(1_000_000);
  });
});

describe("gateways", () => {
  const status = (offset: number, state: string, timestamp: number, more: object = {}) =>
    envelope(
      offset,
      "system.status",
      { component: "gateway", id: "main", state, detail: "d", ...more },
      { agent_id: null, timestamp },
    );

  test("`since` is when the state began, not when it was last repeated", () => {
    const view = folded(
      EMPTY_VIEW,
      status(1, "connected", 100, { kind: "clawdbot", last_event_at: 90 }),
      status(2, "reconnecting", 200, { attempt: 1, retry_at: 900 }),
      status(3, "reconnecting", 300, { attempt: 2, retry_at: 1_900 }),
    );
    expect(view.gateways.get("main")).toEqual({
      id: "main",
      kind: "clawdbot",
      state: "reconnecting",
      since: 200,
      last_event_at: 90,
      attempt: 2,
      retry_at: 1_900,
      detail: "d",
      missing_since: null,
    });
  });

  test("other components are no gateways", () => {
    const event = envelope(1, "system.status", { component: "actor", id: "x", state: "restarted", detail: "" });
    expect(folded(EMPTY_VIEW, event).gateways.size).toBe(0);
  });
});

describe("sharing", () => {
  test("the base view is never changed, and what was not touched keeps its identity", () => {
    const base = folded(EMPTY_VIEW, chunk(1, 0, 0, "a"), final(2, "y", {}, { gateway: "other" }));
    const before = structuredClone(conversation(base));
    const next = folded(base, chunk(3, 1, 1, "b"), activity(4, "run.started"));
    expect(conversation(base)).toEqual(before);
    expect(base.feed).toHaveLength(0);
    expect(next.conversations.get("other/atlas")).toBe(base.conversations.get("other/atlas"));
    expect(next.agents.get("other/atlas")).toBe(base.agents.get("other/atlas"));
    expect(next.gateways).toBe(base.gateways);
  });

  test("the feed keeps the newest", () => {
    const view = folded(EMPTY_VIEW, ...Array.from({ length: FEED_KEPT + 300 }, (_, n) => activity(n + 1, "x")));
    expect(view.feed.length).toBeGreaterThanOrEqual(FEED_KEPT);
    expect(view.feed.length).toBeLessThan(FEED_KEPT + 300);
    expect(view.feed.newest?.offset).toBe(FEED_KEPT + 300);
  });
});

function part(message_id: string, more: object): object {
  return { message_id, run_id: "r1", session: "s", role: "assistant", ...more };
}
