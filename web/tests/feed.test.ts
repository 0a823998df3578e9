import { beforeEach, describe, expect, test } from "vitest";
import { createStore, type StoreApi } from "zustand/vanilla";
import { Feed, MOST_ROWS } from "../components/activity/feed.ts";
import { FAMILIES, type Family } from "../components/activity/kinds.ts";
import { RequestError, requestProblem } from "../lib/http.ts";
import type { ActivityEvent } from "../lib/protocol.ts";
import { INITIAL, type SessionState } from "../lib/session-state.ts";
import { Strip } from "../lib/strip.ts";
import { EMPTY_VIEW } from "../lib/view.ts";

const TOOLS = FAMILIES.find(({ id }) => id === "tool") as Family;
/** How many a snapshot has. */
const SNAPSHOT = 20;

/** Every tenth is of a tool. */
const activity = (n: number): ActivityEvent => ({
  event_id: `e${n}`,
  type: "activity.event",
  timestamp: n,
  agent_id: n % 2 === 0 ? "even" : "odd",
  gateway: "g",
  sequence: n,
  offset: n,
  payload: { kind: n % 10 === 0 ? "tool.finished" : "run.started", title: "" },
});

/** A daemon whose journal has the activities 1 to `head`. */
class Journal {
  head = 0;
  epoch = "e";
  reachable = true;
  readonly asked: string[] = [];
  readonly store: StoreApi<SessionState> = createStore<SessionState>(() => INITIAL);

  range(after: number, to = this.head): ActivityEvent[] {
    return Array.from({ length: to - after }, (_, n) => activity(after + n + 1));
  }

  /** The page gets a snapshot of it, as it is when `to` are told. */
  snapshot(to: number): void {
    this.head = to;
    const before = this.store.getState();
    const snapshots = before.snapshots + 1;
    const feed = Strip.of(this.range(Math.max(0, to - SNAPSHOT)));
    const cursor = { epoch: this.epoch, offset: to };
    this.store.setState({
      ...before,
      loaded: true,
      snapshots,
      liveSince: snapshots,
      cursor,
      view: { ...EMPTY_VIEW, feed },
    });
  }

  /** More happens, and the page hears of it. */
  goOn(to: number): void {
    const news = this.range(this.head, to);
    this.head = to;
    const { view, ...before } = this.store.getState();
    const feed = view.feed.append(news, 5_000);
    this.store.setState({ ...before, cursor: { epoch: this.epoch, offset: to }, view: { ...view, feed } });
  }

  feed(agent: string | null = null, family: Family | null = null): Feed {
    const request = async (path: string): Promise<unknown> => {
      this.asked.push(path);
      if (!this.reachable) throw new RequestError(requestProblem(null, null));
      const query = new URL(path, "http://daemon.example").searchParams;
      const before = Number(query.get("before"));
      const told = this.range(0, Math.min(this.head, before - 1)).filter(
        ({ agent_id, payload }) =>
          (query.get("agent") ?? agent_id) === agent_id &&
          (query.get("kind") === null || payload.kind.startsWith("tool.")),
      );
      const page = told.slice(-Number(query.get("limit"))).reverse();
      const next = page.length < told.length ? (page.at(-1)?.offset ?? null) : null;
      return { epoch: this.epoch, events: page, next };
    };
    const feed = new Feed(request, this.store, agent, family);
    feed.subscribe(() => {});
    return feed;
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));
const offsets = ({ state }: Feed) => Array.from({ length: state.length }, (_, place) => state.at(place)?.offset);
const down = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.floor((from - to) / step) + 1 }, (_, n) => from - n * step);

async function toTheBeginning(feed: Feed): Promise<void> {
  while (feed.state.hasOlder && feed.state.problem === null) {
    feed.loadOlder();
    await settled();
  }
}

let journal: Journal;

beforeEach(() => {
  journal = new Journal();
});

describe("a filter", () => {
  test("finds what is older than what the stream brought, though nothing of that is admitted", async () => {
    journal.snapshot(2_009);
    const feed = journal.feed("g/odd", TOOLS);
    expect([feed.state.length, feed.state.hasOlder]).toEqual([0, true]);
    await toTheBeginning(feed);
    expect([feed.state.length, feed.state.hasOlder]).toEqual([0, false]); // tools are of even ones
    const even = journal.feed("g/even", TOOLS);
    await toTheBeginning(even);
    expect(offsets(even)).toEqual(down(2_000, 10, 10));
    journal.goOn(2_025);
    expect(offsets(even)).toEqual(down(2_020, 10, 10));
  });
});

describe("what is shown", () => {
  test("is the newest first, to the beginning, while more comes", async () => {
    journal.snapshot(1_200);
    const feed = journal.feed();
    feed.loadOlder();
    await settled();
    journal.goOn(1_300);
    await toTheBeginning(feed);
    expect(offsets(feed)).toEqual(down(1_300, 1));
  });

  test("does not move while it is held, and what waits is counted", async () => {
    journal.snapshot(100);
    const feed = journal.feed();
    feed.hold(true);
    journal.goOn(107);
    expect([feed.state.waiting, offsets(feed)]).toEqual([7, down(100, 81)]);
    await toTheBeginning(feed);
    expect(offsets(feed)).toEqual(down(100, 1));
    feed.hold(false);
    expect([feed.state.waiting, offsets(feed)]).toEqual([0, down(107, 1)]);
  });

  test("has no hole when the oldest of the stream goes: older pages begin anew", async () => {
    journal.snapshot(100);
    const feed = journal.feed();
    await toTheBeginning(feed);
    feed.hold(true);
    for (let to = 200; to <= 7_000; to += 100) journal.goOn(to);
    expect(offsets(feed)).toEqual(down(100, 1));
    feed.hold(false);
    expect(feed.state.length).toBeLessThan(6_000);
    expect(feed.state.hasOlder).toBe(true);
    await toTheBeginning(feed);
    expect(offsets(feed)).toEqual(down(7_000, 1));
  });

  test("has no hole after a snapshot that reaches back to it, and begins anew after one that does not", async () => {
    journal.snapshot(100);
    const feed = journal.feed();
    await toTheBeginning(feed);
    journal.snapshot(110);
    expect(offsets(feed)).toEqual(down(110, 1));
    feed.hold(true);
    journal.snapshot(500);
    expect(offsets(feed)).toEqual(down(110, 1));
    feed.hold(false);
    expect(offsets(feed)).toEqual(down(500, 481));
    await toTheBeginning(feed);
    expect(offsets(feed)).toEqual(down(500, 1));
  });

  test("is nothing of another journal, also while it is held", async () => {
    journal.snapshot(100);
    const feed = journal.feed();
    feed.hold(true);
    await toTheBeginning(feed);
    journal.epoch = "another";
    journal.snapshot(30);
    expect(offsets(feed)).toEqual(down(30, 11));
    await toTheBeginning(feed);
    expect(offsets(feed)).toEqual(down(30, 1));
  });

  test("is no more than can be held", async () => {
    journal.snapshot(MOST_ROWS + 5_000);
    const feed = journal.feed();
    await toTheBeginning(feed);
    expect(feed.state.length).toBeGreaterThanOrEqual(MOST_ROWS);
    expect(feed.state.length).toBeLessThan(MOST_ROWS + 500);
    expect(feed.state.full).toBe(true);
  });
});

describe("a page that was not answered", () => {
  test("is asked for again once the link is back, or when the reader says so", async () => {
    journal.snapshot(1_000);
    const feed = journal.feed();
    journal.reachable = false;
    feed.loadOlder();
    await settled();
    expect(feed.state.problem?.code).toBe("unreachable");
    journal.reachable = true;
    journal.store.setState({ liveSince: 77 });
    await settled();
    expect([feed.state.problem, feed.state.length]).toEqual([null, SNAPSHOT + 500]);
    journal.reachable = false;
    feed.loadOlder();
    await settled();
    journal.reachable = true;
    feed.loadOlder();
    await settled();
    expect([feed.state.problem, offsets(feed)]).toEqual([null, down(1_000, 1)]);
  });

  test("is not taken for the beginning when it is something else", async () => {
    journal.snapshot(1_000);
    const feed = new Feed(() => Promise.resolve({ odd: true }), journal.store, null, null);
    feed.subscribe(() => {});
    feed.loadOlder();
    await settled();
    expect([feed.state.problem?.code, feed.state.hasOlder]).toEqual(["not_understood", true]);
  });
});
