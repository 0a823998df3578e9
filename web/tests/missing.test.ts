import { expect, test } from "vitest";
import { decodeMissing } from "../components/frame/missing.ts";

const gap = (offset: number) => ({
  event_id: `gap-${offset}`,
  timestamp: offset,
  agent_id: "a",
  gateway: "g",
  type: "activity.event",
  sequence: offset,
  offset,
  payload: { kind: "stream.gap", title: "Events are missing" },
});

const answer = (events: readonly unknown[], next: number | null = null) => ({ epoch: "e", events, next });

test("gaps that were counted and are not listed are older than the journal", () => {
  expect(decodeMissing(answer([gap(3)]), 4)).toMatchObject({ forgotten: 3, more: false });
  expect(decodeMissing(answer([]), 2)).toMatchObject({ listed: [], forgotten: 2 });
  expect(decodeMissing(answer([]), 0)).toMatchObject({ listed: [], forgotten: 0 });
});

test("a gap that came while the daemon was asked makes none of the others older", () => {
  expect(decodeMissing(answer([gap(4), gap(3)]), 1)).toMatchObject({ forgotten: 0 });
});

test("while the journal has more than is listed, nothing is said of what it has no more", () => {
  expect(decodeMissing(answer([gap(3)], 3), 9)).toMatchObject({ forgotten: 0, more: true });
});

test("a list that is not understood, or not all of it, is none", () => {
  for (const value of [null, "no", {}, answer([gap(3), { event_id: "other" }])])
    expect(decodeMissing(value, 0)).toBeNull();
});
