import { describe, expect, test } from "vitest";
import { Strip } from "../lib/strip.ts";

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

describe("a strip", () => {
  test("holds what was appended, in order, however it came", () => {
    let strip = Strip.of<number>([]);
    for (let at = 0; at < 2_000; at += 37) strip = strip.append(numbers(at, Math.min(at + 37, 2_000)), 10_000);
    expect([...strip]).toEqual(numbers(0, 2_000));
    expect([...strip.backwards()]).toEqual(numbers(0, 2_000).reverse());
    expect([strip.length, strip.oldest, strip.newest]).toEqual([2_000, 0, 1_999]);
    expect([0, 255, 256, 1_999, 2_000].map((place) => strip.at(place))).toEqual([0, 255, 256, 1_999, undefined]);
  });

  test("never changes: the one before stays as it was", () => {
    const before = Strip.of([1, 2]);
    before.append([3], 10);
    expect([...before]).toEqual([1, 2]);
    expect(before.append([], 10)).toBe(before);
  });

  test("loses the oldest, and never more than it may", () => {
    const strip = Strip.of(numbers(0, 900)).append(numbers(900, 1_000), 500);
    expect(strip.length).toBeGreaterThanOrEqual(500);
    expect(strip.length).toBeLessThan(500 + 256);
    expect([...strip]).toEqual(numbers(1_000 - strip.length, 1_000));
  });

  test("shares its full blocks with the next one", () => {
    const before = Strip.of(numbers(0, 600));
    const after = before.append([600], 10_000);
    expect(after.blocks[0]).toBe(before.blocks[0]);
    expect(after.blocks[1]).toBe(before.blocks[1]);
  });
});
