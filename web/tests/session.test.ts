import { describe, expect, test } from "vitest";
import { bound } from "../lib/backoff.ts";
import { phase, serverOffset } from "../lib/session-state.ts";
import { VERSION } from "../lib/version.ts";
import { agentKey } from "../lib/view.ts";
import { activity, chunk, emptySnapshot, final, Harness, OPEN_CONFIG, TOKEN_CONFIG, welcome } from "./harness.ts";

const ATLAS = agentKey("main", "atlas");
const texts = (session: Harness) => session.state.view.conversations.get(ATLAS)?.map((message) => message.text);
const offsets = (session: Harness) => [...session.state.view.feed].map((event) => event.offset);

describe("the way to a live view", () => {
  test("a first hello carries no cursor, and the page counts as connected only once the snapshot is there", () => {
    const session = new Harness().greet();
    expect(session.sent("hello")[0]).not.toHaveProperty("cursor");
    session.frame(welcome("snapshot", { offset: 7 }));
    expect(phase(session.state)).toBe("connecting");
    session.frame(emptySnapshot({ offset: 7 }));
    expect(phase(session.state)).toBe("connected");
    expect(session.state.cursor).toEqual({ epoch: "e1", offset: 7 });
  });

  test("a hello after a loss carries the cursor, and a continuation keeps the view and repeats nothing", () => {
    const session = new Harness().live(10).events(11, activity(11, "run.started")).give({ type: "closed", code: 1006 });
    expect(phase(session.state)).toBe("reconnecting");
    session.reopen();
    expect(session.sent("hello").at(-1)?.cursor).toEqual({ epoch: "e1", offset: 11 });
    session.frame(welcome("continued", { offset: 11 }));
    expect(phase(session.state)).toBe("connected");
    session.events(12, activity(11, "run.started"), activity(12, "run.finished"));
    expect(offsets(session)).toEqual([11, 12]);
    expect(session.state.duplicates).toBe(1);
  });

  test.each(["epoch_changed", "expired", "ahead"])("a snapshot for the reason %s replaces everything", (reason) => {
    const session = new Harness().live(10).events(12, activity(11, "run.started"), chunk(12, 0, 0, "old"));
    session.give({ type: "closed", code: 1012 }).reopen();
    session.frame(welcome("snapshot", { offset: 3, epoch: "e2" }, { reason }));
    session.frame(emptySnapshot({ offset: 3, epoch: "e2" }, { reason }));
    expect(session.state.cursor).toEqual({ epoch: "e2", offset: 3 });
    expect(offsets(session)).toEqual([]);
    expect(texts(session)).toBeUndefined();
    expect(session.events(4, activity(4, "run.started")).state.cursor?.offset).toBe(4);
  });

  test("a slow consumer's snapshot in the middle of the stream replaces the view and the stream goes on", () => {
    const session = new Harness().live(10).events(11, activity(11, "run.started"));
    session.frame(emptySnapshot({ offset: 500 }, { reason: "slow_consumer" }));
    session.events(501, activity(400, "run.started"), activity(501, "run.finished"));
    expect(offsets(session)).toEqual([501]);
    expect(phase(session.state)).toBe("connected");
  });

  test("a continuation in another epoch is never believed: the page asks for a fresh copy", () => {
    const session = new Harness().live(10).give({ type: "closed", code: 1006 }).reopen();
    session.frame(welcome("continued", { offset: 10, epoch: "e9" }));
    expect(phase(session.state)).toBe("reconnecting");
    expect(session.state.gaps).toBe(1);
    session.reopen();
    expect(session.sent("hello").at(-1)).not.toHaveProperty("cursor");
  });

  test("events that arrive before the snapshot are not applied to an older view", () => {
    const session = new Harness().greet().frame(welcome("snapshot", { offset: 10 }));
    session.events(11, activity(11, "run.started")).frame(emptySnapshot({ offset: 11 }));
    expect(offsets(session)).toEqual([]);
  });
});

describe("each event once, in order", () => {
  test("what is at or before the cursor is ignored and counted, also within one frame", () => {
    const session = new Harness().live(10);
    session.events(12, activity(12, "run.started"), activity(11, "run.started"), activity(12, "run.started"));
    expect(offsets(session)).toEqual([12]);
    expect(session.state.duplicates).toBe(2);
  });

  test("the frame's own offset moves the cursor past what a filter hid", () => {
    expect(new Harness().live(10).events(90).state.cursor?.offset).toBe(90);
  });

  test("a frame never moves the cursor back", () => {
    expect(new Harness().live(10).events(5).state.cursor?.offset).toBe(10);
  });

  test("an ephemeral event is applied and leaves the cursor alone", () => {
    const beat = {
      ...activity(0, ""),
      type: "heartbeat",
      offset: null,
      payload: {
        status: "degraded",
        previous: "online",
        reason: "slow",
        clocks: { transport_at: 1, heartbeat_at: null, progress_at: null },
      },
    };
    const session = new Harness().live(10).events(10, beat);
    expect(session.state.view.agents.get(ATLAS)?.status).toBe("degraded");
    expect(session.state.cursor?.offset).toBe(10);
    expect(session.state.duplicates).toBe(0);
  });

  test("a hole in a message is counted and answered by coming back without a cursor", () => {
    const session = new Harness()
      .live(10)
      .events(11, chunk(11, 0, 0, "one "))
      .events(13, chunk(13, 2, 8, "three"));
    expect(session.state.gaps).toBe(1);
    expect(session.count("close")).toBe(1);
    expect(phase(session.state)).toBe("reconnecting");
    expect(texts(session)).toEqual(["one "]);
    session.reopen();
    expect(session.sent("hello").at(-1)).not.toHaveProperty("cursor");
  });

  test("malformed frames and entries are counted, and cost nothing else", () => {
    const session = new Harness().live(10);
    session.give({ type: "frame", text: "{not json" }).give({ type: "frame", text: '{"op":"events","events":5}' });
    session.events(12, { ...activity(11, "x"), payload: null }, activity(12, "run.started"));
    expect(session.state.malformed).toBe(3);
    expect(offsets(session)).toEqual([12]);
  });

  test("unknown ops and event types are no errors, and an unknown event still moves the cursor", () => {
    const session = new Harness().live(10).frame({ op: "later" });
    session.events(11, { ...activity(11, "x"), type: "conversation.reaction" });
    expect(session.state.malformed).toBe(0);
    expect(session.state.cursor?.offset).toBe(11);
  });
});

describe("losing and finding the daemon", () => {
  test.each([
    [4400, "stopped"],
    [4403, "stopped"],
    [4401, "signed_out"],
  ])("close code %i ends it with a reason and no further attempt", (code, link) => {
    const session = new Harness().greet(TOKEN_CONFIG, "secret").give({ type: "closed", code });
    const connects = session.count("connect");
    session.advance(600_000);
    expect(session.state.link).toBe(link);
    expect(phase(session.state)).toBe("disconnected");
    expect(session.state.problem?.message).not.toBe("");
    expect(session.count("connect")).toBe(connects);
  });

  test.each([1000, 1001, 1006, 1012, 4408, 4413, 4429])("close code %i is followed by another attempt", (code) => {
    const session = new Harness().live().give({ type: "closed", code }).advance(0);
    expect(session.count("connect")).toBe(2);
  });

  test("waits stay below the doubling bound and its ceiling, and each failure counts", () => {
    const session = new Harness(() => 0.999).live();
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      session.give({ type: "closed", code: 1006 });
      expect(session.state.attempt).toBe(attempt);
      waits.push((session.state.retryAt ?? 0) - session.now);
      session.advance(waits.at(-1) ?? 0);
      expect(session.state.link).toBe("opening");
    }
    expect(waits).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => Math.round(bound(attempt) * 0.999)));
    expect(Math.max(...waits)).toBeLessThanOrEqual(5_000);
    expect(waits[0]).toBeLessThanOrEqual(250);
  });

  test("a link that held counts from one again; one that fell at once does not", () => {
    const session = new Harness().live().give({ type: "closed", code: 1006 }).reopen();
    session.frame(welcome("continued", { offset: 10 })).give({ type: "closed", code: 1006 });
    expect(session.state.attempt).toBe(2);
    session
      .reopen()
      .frame(welcome("continued", { offset: 10 }))
      .advance(6_000)
      .give({ type: "closed", code: 1006 });
    expect(session.state.attempt).toBe(1);
  });

  test("two silent intervals end a link that looks alive, and any frame prevents it", () => {
    const session = new Harness().live().advance(19_999);
    expect(phase(session.state)).toBe("connected");
    session.events(10).advance(19_999);
    expect(phase(session.state)).toBe("connected");
    session.advance(1);
    expect(phase(session.state)).toBe("reconnecting");
    expect(session.count("close")).toBe(1);
  });

  test("a socket that never opens, and a daemon that never welcomes, are given up", () => {
    const opening = new Harness().give({ type: "start", token: null });
    opening.give({ type: "configured", config: { auth: { mode: "none" }, protocol: 1, source: "live" } });
    expect(opening.advance(20_000).state.attempt).toBe(1);
    expect(new Harness().greet().advance(20_000).state.attempt).toBe(1);
  });

  test("it pings once an interval while live, also when only frames wake it", () => {
    const session = new Harness().live();
    const first = session.sent("ping").length;
    session.advance(10_000).events(10).advance(10_000);
    expect(session.sent("ping").length).toBe(first + 2);
  });

  test("it says who it is: by itself this library, else what it was told", () => {
    const named = (client?: { readonly name: string; readonly version: string }) =>
      new Harness()
        .give({ type: "start", token: null, client })
        .give({ type: "configured", config: OPEN_CONFIG })
        .give({ type: "opened" })
        .sent("hello")
        .map(({ client }) => client);
    expect(named()).toEqual([{ name: "mission-control-client", version: VERSION }]);
    expect(named({ name: "a page", version: "2" })).toEqual([{ name: "a page", version: "2" }]);
  });

  test("a session that begins anew counts its snapshots on: the next one is another one", () => {
    const session = new Harness().live();
    expect(session.state.snapshots).toBe(1);
    session.give({ type: "start", token: null });
    expect([session.state.loaded, session.state.cursor]).toEqual([false, null]);
    session.give({ type: "configured", config: OPEN_CONFIG }).give({ type: "opened" });
    session.frame(welcome("snapshot", { offset: 10 })).frame(emptySnapshot({ offset: 10 }));
    expect(session.state.snapshots).toBe(2);
  });

  test("an unreachable daemon is asked again for its configuration", () => {
    const session = new Harness().give({ type: "start", token: null }).give({ type: "config_failed" });
    expect(phase(session.state)).toBe("reconnecting");
    expect(session.advance(0).count("configure")).toBe(2);
  });

  test("trying now skips the wait, and only while waiting", () => {
    const session = new Harness(() => 0.9).live().give({ type: "closed", code: 1006 }).give({ type: "retry" });
    expect(session.state.link).toBe("opening");
    expect(session.give({ type: "retry" }).count("connect")).toBe(2);
  });

  test("what the daemon says before it closes is the reason shown, until the next connection", () => {
    const session = new Harness().live().frame({ op: "error", code: "busy", message: "Too many pages." });
    session.give({ type: "closed", code: 4429 });
    expect(session.state.problem?.message).toBe("Too many pages.");
    session.reopen().give({ type: "closed", code: 1006 });
    expect(session.state.problem?.message).not.toBe("Too many pages.");
  });

  test("another version of the protocol stops it", () => {
    const session = new Harness().greet().frame(welcome("snapshot", { offset: 1 }, { protocol: 2 }));
    expect(phase(session.state)).toBe("disconnected");
    expect(session.state.problem?.remedy).toContain("Reload");
  });

  test("the data's age counts from the last moment that it was current", () => {
    const session = new Harness().live().advance(3_000).events(10);
    const fresh = session.now;
    session
      .give({ type: "closed", code: 1006 })
      .reopen()
      .frame(welcome("snapshot", { offset: 10 }));
    expect(session.state.freshAt).toBe(fresh);
  });
});

describe("notices", () => {
  const notice = (code: string) => ({ op: "notice", level: "error", code, message: code });
  const codes = (session: Harness) => session.state.notices.map(({ code }) => code);

  test("the newest word on a subject takes the place of the older", () => {
    const session = new Harness().live().frame(notice("persistence_stalled")).frame(notice("convex_behind"));
    expect(codes(session.frame(notice("persistence_recovered")))).toEqual(["convex_behind", "persistence_recovered"]);
  });

  test("a notice can be put away, and does not outlive its connection", () => {
    const session = new Harness().live().frame(notice("persistence_stalled")).frame(notice("convex_behind"));
    expect(codes(session.give({ type: "dismiss", code: "convex_behind" }))).toEqual(["persistence_stalled"]);
    session
      .give({ type: "closed", code: 1006 })
      .reopen()
      .frame(welcome("continued", { offset: 10 }));
    expect(codes(session)).toEqual([]);
  });
});

describe("signing in", () => {
  test("a daemon that wants a token is not bothered without one", () => {
    const session = new Harness().give({ type: "start", token: null });
    session.give({ type: "configured", config: TOKEN_CONFIG });
    expect(session.state.link).toBe("signed_out");
    expect(session.state.problem).toBeNull();
    expect(session.count("connect")).toBe(0);
  });

  test("the token goes into the hello; a wrong one is forgotten and asked for again, with the reason", () => {
    const session = new Harness().give({ type: "start", token: null });
    session.give({ type: "configured", config: TOKEN_CONFIG }).give({ type: "sign_in", token: "guess" });
    session.give({ type: "opened" });
    expect(session.sent("hello")[0]?.token).toBe("guess");
    session.give({ type: "closed", code: 4401 });
    expect(session.state.link).toBe("signed_out");
    expect(session.state.token).toBeNull();
    expect(session.state.problem?.message).toContain("not accepted");
    expect(session.effects).toContainEqual({ type: "remember", token: null });
  });
});

describe("measuring", () => {
  test("the clock offset is that of the shortest round trip", () => {
    const session = new Harness().live();
    session.now += 1_000;
    session.frame({ op: "pong", t: session.now - 400, server_time: session.now + 4_000 });
    session.frame({ op: "pong", t: session.now - 10, server_time: session.now + 4_995 });
    session.frame({ op: "pong", t: session.now - 90, server_time: session.now + 9_000 });
    expect(serverOffset(session.state)).toBe(5_000);
  });

  test("only what was emitted since the welcome is measured: replayed events say nothing about latency", () => {
    const session = new Harness().live();
    session.events(12, chunk(11, 0, 0, "a"), final(12, "a", { message_id: "m0" }, { timestamp: 999_999 }));
    expect(session.effects.filter((effect) => effect.type === "applied")).toEqual([
      { type: "applied", emitted: [1_000_000], events: new Map([["main/atlas", 1]]) },
    ]);
  });

  test("what is replayed after a loss makes no spike in an agent's rate, and is told as applied", () => {
    const session = new Harness().live().give({ type: "closed", code: 1006 }).reopen();
    session.frame(welcome("continued", { offset: 12 }, { server_time: 1_060_000 }));
    const before = { timestamp: 1_030_000 };
    session.events(12, activity(11, "run.started", {}, before), activity(12, "run.finished", {}, before));
    session.events(13, activity(13, "run.started", {}, { timestamp: 1_060_000 }));
    expect(session.effects.filter((effect) => effect.type === "applied")).toEqual([
      { type: "applied", emitted: [], events: new Map() },
      { type: "applied", emitted: [], events: new Map([["main/atlas", 1]]) },
    ]);
  });

  test("a report holds what happened since the last one", () => {
    const render = { count: 1, p50: 2, p95: 3, p99: 4, max: 5 };
    const session = new Harness().live().events(10, activity(10, "x"));
    session.advance(10_000);
    expect(session.count("measure")).toBe(1);
    session.give({ type: "measured", render }).give({ type: "measured", render });
    expect(session.sent("report").map((report) => report.duplicates)).toEqual([1, 0]);
    expect(session.sent("report")[0]?.render_ms).toEqual(render);
  });
});

describe("doubt: the machine slept, or its network changed", () => {
  test("a connection that answers goes on", () => {
    const session = new Harness().live();
    const pings = session.sent("ping").length;
    session.give({ type: "doubt" });
    expect(session.sent("ping")).toHaveLength(pings + 1);
    session.frame({ op: "pong", t: session.now, server_time: session.now });
    session.advance(5_000);
    expect(phase(session.state)).toBe("connected");
  });

  test("one that does not is given up soon, and resumed where it was", () => {
    const session = new Harness().live(10);
    session.give({ type: "doubt" }).advance(3_000);
    expect(phase(session.state)).toBe("reconnecting");
    session.advance(5_000).give({ type: "opened" });
    expect(session.sent("hello").at(-1)).toMatchObject({ cursor: { offset: 10 } });
  });

  test("while waiting for the next attempt it is made at once", () => {
    const session = new Harness(() => 0.99).live();
    session.give({ type: "closed", code: 1006 });
    expect(session.state.link).toBe("waiting");
    session.give({ type: "doubt" });
    expect(session.state.link).toBe("opening");
  });
});
