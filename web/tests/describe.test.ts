import { expect, test } from "vitest";
import { sentence } from "../lib/describe.ts";

test("a line for people ends in one full stop", () => {
  expect(sentence("connection lost")).toBe("Connection lost.");
  expect(sentence("Is it running there?")).toBe("Is it running there?");
  expect(sentence("It is gone.")).toBe("It is gone.");
});
