import { expect, test } from "vitest";
import { storing } from "../lib/storage.ts";

const throws = (): never => {
  throw new DOMException("blocked", "SecurityError");
};

function browser(): Storage {
  const texts = new Map<string, string>();
  return {
    length: 0,
    key: () => null,
    clear: () => texts.clear(),
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, value) => void texts.set(key, value),
    removeItem: (key) => void texts.delete(key),
  };
}

test("what is chosen is kept by the browser, and seen by the next page", () => {
  const kept = browser();
  storing(() => kept).set("theme", "dark");
  const next = storing(() => kept);
  expect(next.get("theme")).toBe("dark");
  next.set("theme", null);
  expect(next.get("theme")).toBeNull();
});

test("where even asking for the storage is refused, a choice holds for this page", () => {
  const mine = storing(throws);
  expect(mine.get("theme")).toBeNull();
  mine.set("theme", "dark");
  expect(mine.get("theme")).toBe("dark");
  mine.set("theme", null);
  expect(mine.get("theme")).toBeNull();
});

test("a full storage takes no new choice, but does not bring back the old one; what it takes again is its own", () => {
  const kept = browser();
  const full = { ...kept, setItem: throws };
  let present: Storage = kept;
  const mine = storing(() => present);
  mine.set("theme", "light");
  present = full;
  mine.set("theme", "dark");
  expect(mine.get("theme")).toBe("dark");
  present = kept;
  mine.set("theme", "light");
  kept.setItem("theme", "dark"); // another tab
  expect(mine.get("theme")).toBe("dark");
});
