import { describe, expect, test } from "vitest";
import { createStore } from "zustand/vanilla";
import { Past } from "../lib/past.ts";
import type { ActivityEvent } from "../lib/protocol.ts";
import { INITIAL, type SessionState } from "../lib/session-state.ts";
import type { MissionControl } from "../lib/store.ts";
import { Strip } from "../lib/strip.ts";
import { agentKey, EMPTY_VIEW, type Message } from "../lib/view.ts";

const message = (n: number, more: Partial<Message> = {}): Message => ({
  message_id: `m${n}`,
  agent_id: "a",
  gateway: "g",
  run_id: "r",
  session: "s",
  role: "assistant",
  state: "complete",
  text: `${n}`,
  timestamp: n * 100,
  offset: n * 10,
  points: 0,
  ...more,
});

const activity = (n: number): ActivityEvent => ({
  event_id: `e${n}`,
  type: "activity.event",
  timestamp: n * 100 + 50,
  agent_id: "a",
  gateway: "g",
  sequence: n,
  offset: n * 10 + 5,
  payload: { kind: "tool.started", title: "", detail: { call_id: n } },
});

/** As it is told of a run, which has no call. */
const runs = ({ ...event }: ActivityEvent): ActivityEvent => ({
  ...event,
  payload: { kind: "run.started", title: "" },
});

const newest = [1, 2, 3, 4];

/** A daemon with four messages and as many activities, all of which a page has. */
async function reading(messages: readonly Message[] = newest.map((n) => message(n)), told = newest.map(activity)) {
  const view = {
    ...EMPTY_VIEW,
    conversations: new Map([[agentKey("g", "a"), messages]]),
    feed: Strip.of(told),
  };
  const state = { ...INITIAL, loaded: true, snapshots: 1, cursor: { epoch: "e", offset: 99 }, view };
  const store = createStore<SessionState>(() => state);
  const asked: string[] = [];
  const request = async (path: string): Promise<unknown> => {
    asked.push(path);
    const before = Number(/before=(\d+)/.exec(path)?.[1] ?? Number.POSITIVE_INFINITY);
    const entries = path.startsWith("/v1/feed") ? told : newest.map((n) => message(n));
    const page = entries.filter(({ offset }) => (offset ?? 0) < before).reverse();
    return { epoch: "e", [path.startsWith("/v1/feed") ? "events" : "messages"]: page, next: null };
  };
  const past = new Past({ store, request } as unknown as MissionControl, "g", "a");
  past.subscribe(() => {});
  await new Promise((resolve) => setTimeout(resolve));
  const say = (one: Message) => {
    const conversations = new Map([[agentKey("g", "a"), [...messages, one]]]);
    store.setState({ ...state, view: { ...view, conversations } }, true);
  };
  return { past, asked, say };
}

const ids = (past: Past) => past.state.messages.map(({ message_id }) => message_id);
const events = (past: Past) => past.state.activities.map(({ event_id }) => event_id);

describe("letting go of what was read", () => {
  test("what is older goes, and comes back when it is asked for", async () => {
    const { past, say } = await reading();
    expect([ids(past), events(past), past.state.hasOlder]).toEqual([
      ["m1", "m2", "m3", "m4"],
      ["e1", "e2", "e3", "e4"],
      false,
    ]);
    past.release(300);
    expect([ids(past), events(past), past.state.hasOlder]).toEqual([["m3", "m4"], ["e3", "e4"], true]);
    say(message(5)); // the view still has those that went
    expect(ids(past)).toEqual(["m3", "m4", "m5"]);
    await past.loadOlder();
    expect([ids(past), events(past), past.state.hasOlder]).toEqual([
      ["m1", "m2", "m3", "m4", "m5"],
      ["e1", "e2", "e3", "e4"],
      false,
    ]);
  });

  test("what is made up for later stays, however old it is", async () => {
    const { past, say } = await reading();
    past.release(300);
    say(message(6, { timestamp: 150 }));
    expect(ids(past)).toEqual(["m6", "m3", "m4"]);
  });

  test("of a call that goes on, what told of its beginning stays", async () => {
    const { past } = await reading();
    Object.assign(past.state.activities[3]?.payload.detail ?? {}, { call_id: 1 });
    past.release(300);
    expect(events(past)).toEqual(["e1", "e3", "e4"]);
  });

  test("what is told of runs goes, though all runs are of one session", async () => {
    const { past } = await reading(undefined, newest.map(activity).map(runs));
    past.release(300);
    expect(events(past)).toEqual(["e3", "e4"]);
  });

  test("a message that ended late comes back too", async () => {
    const { past, asked } = await reading([message(1, { offset: 39 }), message(2), message(3), message(4)]);
    past.release(300);
    await past.loadOlder();
    expect(asked.find((path) => path.includes("/messages"))).toContain("before=40");
  });

  test("nothing goes while a message of that time is being written", async () => {
    const { past } = await reading([message(1, { state: "streaming", next_index: 1 }), message(2), message(3)]);
    past.release(300);
    expect(ids(past)).toEqual(["m1", "m2", "m3"]);
  });
});
