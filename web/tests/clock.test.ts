import { describe, expect, test } from "vitest";
import { clockOffset, observe, UNSYNCED } from "../lib/clock.ts";

describe("the daemon's clock", () => {
  test("is taken from the shortest round trip", () => {
    const rough = observe(UNSYNCED, 1_000, 1_100, 6_090);
    const exact = observe(rough, 2_000, 2_010, 7_005);
    expect(clockOffset(exact)).toBe(5_000);
  });

  test("is the page's own when the difference is within the error", () => {
    // The pong was sent at once and read 50 ms later, because the page was busy.
    expect(clockOffset(observe(UNSYNCED, 1_000, 1_050, 1_001))).toBe(0);
  });
});
