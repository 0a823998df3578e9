import { describe, expect, test } from "vitest";
import { createStore } from "zustand/vanilla";
import { RequestError, requestProblem } from "../lib/http.ts";
import { Past } from "../lib/past.ts";
import type { ActivityEvent, AgentView } from "../lib/protocol.ts";
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

  test("what is still being written stays, however old it is, and all else goes", async () => {
    const { past } = await reading([message(1, { state: "streaming", next_index: 1 }), message(2), message(3)]);
    past.release(300);
    expect(ids(past)).toEqual(["m1", "m3"]);
  });

  test("what an agent does long after its last message does not wait for that message", async () => {
    const { past } = await reading([message(1)]);
    past.release(300);
    expect([ids(past), events(past), past.state.hasOlder]).toEqual([[], ["e3", "e4"], true]);
    expect(past.state.since).toBeLessThanOrEqual(activity(3).timestamp);
  });

  test("of an agent that only works and says nothing, what it did goes, and comes back", async () => {
    const { past } = await reading([]);
    past.release(300);
    expect([events(past), past.state.hasOlder]).toEqual([["e3", "e4"], true]);
    await past.loadOlder();
    expect([events(past), past.state.hasOlder]).toEqual([["e1", "e2", "e3", "e4"], false]);
  });
});

const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, n) => from + n);

/**
 * A daemon that goes on while the page may be away. Its snapshots have the two newest messages and activities, its
 * answers three at most.
 */
class Elsewhere {
  messages: readonly Message[] = [];
  activities: readonly ActivityEvent[] = [];
  reachable = true;
  readonly asked: string[] = [];
  readonly #store = createStore<SessionState>(() => INITIAL);
  readonly past = new Past({ store: this.#store, request: (path: string) => this.#answer(path) } as never, "g", "a");

  constructor(to: number) {
    this.goOn(0, to);
    this.past.subscribe(() => {});
  }

  goOn(from: number, to: number): void {
    this.messages = [...this.messages, ...range(from, to).map((n) => message(n))];
    this.activities = [...this.activities, ...range(from, to).map(activity)];
  }

  /** The page comes back, and gets a snapshot. */
  async snapshot(): Promise<void> {
    const before = this.#store.getState();
    const key = agentKey("g", "a");
    const agent = { counters: { messages: this.messages.length } } as AgentView;
    const view = {
      ...EMPTY_VIEW,
      agents: new Map([[key, agent]]),
      conversations: new Map([[key, this.messages.slice(-2)]]),
      feed: Strip.of(this.activities.slice(-2)),
    };
    const offset = Math.max(0, ...[...this.messages, ...this.activities].map((one) => one.offset ?? 0));
    const snapshots = before.snapshots + 1;
    await this.#become({
      ...before,
      link: "live",
      liveSince: snapshots,
      loaded: true,
      snapshots,
      view,
      cursor: { epoch: "e", offset },
    });
  }

  /** The page comes back, and what it missed is told as if it had not been away. */
  async resume(): Promise<void> {
    await this.#become({ ...this.#store.getState(), liveSince: Math.random() });
  }

  async #become(state: SessionState): Promise<void> {
    this.#store.setState(state, true);
    await new Promise((resolve) => setTimeout(resolve));
  }

  async #answer(path: string): Promise<unknown> {
    this.asked.push(path);
    if (!this.reachable) throw new RequestError(requestProblem(null, null));
    const [what, entries] = path.startsWith("/v1/feed") ? ["events", this.activities] : ["messages", this.messages];
    const before = Number(/before=(\d+)/.exec(path)?.[1] ?? Number.POSITIVE_INFINITY);
    const older = (entries as readonly { readonly offset: number }[]).filter(({ offset }) => offset < before);
    const page = older.slice(-3).reverse();
    return { epoch: "e", [what as string]: page, next: older.length > 3 ? page.at(-1)?.offset : null };
  }
}

describe("what was missed", () => {
  test("a conversation that went on for longer than a snapshot reaches has no hole: it begins anew there", async () => {
    const daemon = new Elsewhere(2);
    await daemon.snapshot();
    expect(ids(daemon.past)).toEqual(["m0", "m1"]);
    daemon.goOn(2, 8);
    await daemon.snapshot();
    expect(ids(daemon.past)).toEqual(["m6", "m7"]);
    while (daemon.past.state.hasOlder) await daemon.past.loadOlder();
    expect(ids(daemon.past)).toEqual(range(0, 8).map((n) => `m${n}`));
    expect(events(daemon.past)).toEqual(range(0, 8).map((n) => `e${n}`));
  });

  test("activities that a snapshot leaves out are asked for, back to those that are here", async () => {
    const daemon = new Elsewhere(20);
    await daemon.snapshot();
    expect(events(daemon.past)).toEqual(["e17", "e18", "e19"]);
    daemon.activities = [...daemon.activities, ...range(20, 32).map(activity)];
    await daemon.snapshot();
    expect(events(daemon.past)).toEqual(range(17, 32).map((n) => `e${n}`));
  });

  test("what could not be asked for is asked for again when the link is back, though nothing else was missed", async () => {
    const daemon = new Elsewhere(6);
    await daemon.snapshot();
    daemon.reachable = false;
    await daemon.past.loadOlder();
    expect([daemon.past.state.problem?.code, ids(daemon.past)]).toEqual(["unreachable", ["m4", "m5"]]);
    daemon.reachable = true;
    await daemon.resume();
    expect([daemon.past.state.problem, ids(daemon.past)]).toEqual([null, ["m1", "m2", "m3", "m4", "m5"]]);
    daemon.asked.length = 0;
    await daemon.resume();
    expect(daemon.asked).toEqual([]);
  });

  test("activities that could not be asked for after a snapshot are not forgotten either", async () => {
    const daemon = new Elsewhere(2);
    await daemon.snapshot();
    daemon.activities = [...daemon.activities, ...range(2, 14).map(activity)];
    daemon.reachable = false;
    await daemon.snapshot();
    expect(events(daemon.past)).toEqual(["e0", "e1", "e12", "e13"]);
    daemon.reachable = true;
    await daemon.resume();
    expect(events(daemon.past)).toEqual(range(0, 14).map((n) => `e${n}`));
  });

  test("an agent that only ever failed has its past too", async () => {
    const daemon = new Elsewhere(0);
    daemon.activities = range(0, 8).map(activity);
    await daemon.snapshot();
    expect(daemon.past.state.hasOlder).toBe(true);
    await daemon.past.loadOlder();
    expect([events(daemon.past), daemon.past.state.hasOlder]).toEqual([range(0, 8).map((n) => `e${n}`), false]);
  });

  test("between two messages there may be more than is asked for at once: what is older waits for it", async () => {
    const daemon = new Elsewhere(2);
    daemon.activities = range(0, 40).map(activity);
    await daemon.snapshot();
    expect([ids(daemon.past), events(daemon.past)[0]]).toEqual([[], "e25"]);
    await daemon.past.loadOlder();
    expect([ids(daemon.past), events(daemon.past)[0]]).toEqual([[], "e10"]);
    await daemon.past.loadOlder();
    expect([ids(daemon.past), events(daemon.past)[0]]).toEqual([["m0", "m1"], "e0"]);
  });
});
