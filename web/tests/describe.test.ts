import { expect, test } from "vitest";
import { progress, sentence } from "../lib/describe.ts";

test("a line for people ends in one full stop", () => {
  expect(sentence("connection lost")).toBe("Connection lost.");
  expect(sentence("Is it running there?")).toBe("Is it running there?");
  expect(sentence("It is gone.")).toBe("It is gone.");
});

test("a countdown never says more than what is left, rounded up, and never that nothing is", () => {
  const second = 1_000_000;
  expect(progress(2, second + 5_000, second)).toBe("attempt 2, next try in 5 s");
  expect(progress(2, second + 4_700, second)).toBe("attempt 2, next try in 4 s");
  expect(progress(2, second + 300, second)).toBe("attempt 2, next try in 1 s");
  expect(progress(2, second, second)).toBe("attempt 2");
  expect(progress(2, null, second)).toBe("attempt 2");
});
