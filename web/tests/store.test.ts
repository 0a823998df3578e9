import { beforeEach, describe, expect, test } from "vitest";
import { LatencyWindow } from "../lib/latency.ts";
import { overall } from "../lib/overall.ts";
import { type MissionControl, missionControl } from "../lib/store.ts";
import { agentKey } from "../lib/view.ts";
import { FakeRim } from "./fake-rim.ts";
import { chunk, emptySnapshot, envelope, OPEN_CONFIG, welcome } from "./harness.ts";

let rim: FakeRim;
let mission: MissionControl;
let published: number;
let stop: () => void;

beforeEach(() => {
  mission = missionControl((happened) => {
    rim = new FakeRim(happened);
    return rim;
  });
  stop = mission.start();
  rim.happened({ type: "configured", config: OPEN_CONFIG });
  rim.happened({ type: "opened" });
  rim.frame(welcome("snapshot", { offset: 10 }));
  rim.frame(emptySnapshot({ offset: 10 }));
  rim.paint();
  published = 0;
  mission.store.subscribe(() => {
    published += 1;
  });
});

const events = (offset: number, ...list: object[]) => rim.frame({ op: "events", events: list, offset });
const ATLAS = agentKey("main", "atlas");
const text = () => mission.store.getState().view.conversations.get(ATLAS)?.[0]?.text;

describe("publishing", () => {
  test("many frames between two paints are one update, and nothing is lost by it", () => {
    for (let n = 0; n < 50; n += 1) events(11 + n, chunk(11 + n, n, n, "x"));
    expect(published).toBe(0);
    rim.paint();
    expect(published).toBe(1);
    expect(text()).toBe("x".repeat(50));
  });

  test("after a stop nothing is heard any more, and a new start begins anew", () => {
    const old = rim;
    stop();
    expect(old.disposed).toBe(true);
    mission.start();
    old.happened({ type: "closed", code: 1006 });
    rim.paint();
    expect(mission.store.getState().link).toBe("configuring");
  });

  test("rates and latencies of the daemon before are not those of the next", () => {
    events(11, chunk(11, 0, 0, "x"));
    rim.paint(5);
    events(12, chunk(12, 1, 1, "y")); // not painted any more
    expect(mission.rates.of(ATLAS, rim.time + 1_000)).not.toBeNull();
    expect(mission.diagnostics.latency().count).toBe(1);
    stop();
    mission.start();
    rim.paint();
    expect(mission.rates.of(ATLAS, rim.time + 1_000)).toBeNull();
    expect(mission.diagnostics.latency().count).toBe(0);
  });
});

describe("latency", () => {
  test("it is counted from the emission to the paint, by the daemon's clock", () => {
    rim.frame({ op: "pong", t: rim.time, server_time: rim.time + 7_000 });
    events(11, chunk(11, 0, 0, "x"), envelope(12, "activity.event", { kind: "run.started", title: "" }));
    rim.paint(16);
    expect(mission.diagnostics.latency()).toMatchObject({ count: 1, max: 7_016 });
  });

  test("a hidden page measures nothing, because it paints nothing", () => {
    events(11, chunk(11, 0, 0, "x"));
    rim.paint(500, false);
    expect(mission.diagnostics.latency().count).toBe(0);
    expect(text()).toBe("x");
  });

  test("each report holds only what is new", () => {
    const reports = () =>
      rim.effects.flatMap((effect) => (effect.type === "send" && effect.frame.op === "report" ? [effect.frame] : []));
    events(11, chunk(11, 0, 0, "x"));
    rim.paint(5);
    for (let n = 0; n < 2; n += 1) {
      rim.time += 10_000;
      rim.happened({ type: "tick" });
      events(11);
    }
    expect(reports().map((report) => report.render_ms.count)).toEqual([1, 0]);
    expect(mission.diagnostics.latency().count).toBe(1);
  });

  test("percentiles are those of the newest samples, the count is of all", () => {
    const window = new LatencyWindow(100);
    for (let n = 1; n <= 200; n += 1) window.add(n);
    expect(window.summary()).toEqual({ count: 200, p50: 150, p95: 195, p99: 199, max: 200 });
    window.clear();
    expect(window.summary()).toEqual({ count: 0, p50: 0, p95: 0, p99: 0, max: 0 });
  });
});

describe("the overall state", () => {
  let offset = 10;
  const gateway = (id: string, state: string) => {
    offset += 1;
    return envelope(offset, "system.status", { component: "gateway", id, state, detail: "" }, { agent_id: null });
  };

  test("it is the worst of the gateways' links, which is named", () => {
    events(10, gateway("a", "connected"), gateway("b", "reconnecting"), gateway("c", "connecting"));
    rim.paint();
    expect(overall(mission.store.getState())).toMatchObject({ state: "reconnecting", gateway: { id: "b" } });
  });

  test("without the page's own link the gateways' are unknown: only the own one counts", () => {
    events(10, gateway("a", "disconnected"));
    rim.happened({ type: "closed", code: 1006 });
    rim.paint();
    expect(overall(mission.store.getState())).toEqual({ state: "reconnecting", gateway: null });
  });
});
