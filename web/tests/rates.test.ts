import { expect, test } from "vitest";
import { Rates, SECONDS } from "../lib/rates.ts";

const T = 1_000_000_000_000;

test("counts are by second, the present one left out, the newest last", () => {
  const rates = new Rates();
  rates.add("a", 3, T);
  rates.add("a", 2, T + 900);
  rates.add("a", 7, T + 2_000);
  expect(rates.of("a", T + 3_500)?.slice(-3)).toEqual([5, 0, 7]);
  expect(rates.of("a", T + 2_500)?.slice(-2)).toEqual([5, 0]);
  expect(rates.of("b", T)).toBeNull();
});

test("what is older than a minute is gone, also after a long silence", () => {
  const rates = new Rates();
  rates.add("a", 9, T);
  rates.add("a", 1, T + SECONDS * 1_000);
  expect(rates.of("a", T + (SECONDS + 1) * 1_000)?.reduce((sum, n) => sum + n)).toBe(1);
  expect(rates.of("a", T + 10 * SECONDS * 1_000)?.every((n) => n === 0)).toBe(true);
});
