import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createStore } from "zustand/vanilla";
import { PACE_MS, paced } from "../lib/pace.ts";
import { INITIAL, type SessionState } from "../lib/session-state.ts";
import { agentKey, EMPTY_VIEW } from "../lib/view.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function following() {
  const store = createStore<SessionState>(() => INITIAL);
  const follower = paced(store, () => Date.now());
  const seen: number[] = [];
  follower.subscribe((state) => seen.push(state.heardAt));
  return { seen, say: (more: Partial<SessionState>) => store.setState({ ...store.getState(), ...more }, true) };
}

describe("the session at reading speed", () => {
  test("what changes after a rest is there at once", () => {
    const { seen, say } = following();
    say({ heardAt: 1 });
    vi.advanceTimersByTime(PACE_MS);
    say({ heardAt: 2 });
    expect(seen).toEqual([1, 2]);
  });

  test("what changes often is followed in steps, and its end is not missed", () => {
    const { seen, say } = following();
    for (let at = 1; at <= 10; at += 1) {
      say({ heardAt: at });
      vi.advanceTimersByTime(PACE_MS / 4);
    }
    expect(seen).toEqual([1, 4, 8]);
    vi.advanceTimersByTime(PACE_MS);
    expect(seen).toEqual([1, 4, 8, 10]);
    vi.advanceTimersByTime(10 * PACE_MS);
    expect(seen).toHaveLength(4);
  });

  const agents = new Map([[agentKey("g", "a"), {} as never]]);
  test.each<[string, Partial<SessionState>]>([
    ["a link", { link: "live" }],
    ["a snapshot", { snapshots: 1, loaded: true }],
    ["another epoch", { cursor: { epoch: "other", offset: 1 } }],
    ["a gateway's state", { view: { ...EMPTY_VIEW, gateways: new Map() } }],
    ["a new agent", { view: { ...EMPTY_VIEW, agents } }],
  ])("%s does not wait", (_, change) => {
    const { seen, say } = following();
    say({ heardAt: 1 });
    say({ heardAt: 2, ...change });
    expect(seen).toEqual([1, 2]);
  });
});
