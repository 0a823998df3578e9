import { describe, expect, test } from "vitest";
import { segments } from "../components/conversation/segments.ts";

const TEXT = [
  "One paragraph\nof two lines.",
  "- a list\n\n- that goes on\n\n  with a paragraph",
  "1. and\n\n2. another",
  "~~~\na fence with ``` in it\n\nand an empty line\n~~~",
  "```py\nx = 1\n\n\ny = 2\n```",
  "The end.",
].join("\n\n");

describe("a text that grows", () => {
  test("is cut between paragraphs, and never within code or lists", () => {
    expect(segments(TEXT).map((part) => part.trim())).toEqual([
      "One paragraph\nof two lines.\n\n- a list\n\n- that goes on\n\n  with a paragraph\n\n1. and\n\n2. another",
      "~~~\na fence with ``` in it\n\nand an empty line\n~~~",
      "```py\nx = 1\n\n\ny = 2\n```",
      "The end.",
    ]);
  });

  test("keeps every cut that was made: only its last part changes", () => {
    let before: readonly string[] = [];
    for (let end = 1; end <= TEXT.length; end += 1) {
      const now = segments(TEXT.slice(0, end));
      expect(now.join("")).toBe(TEXT.slice(0, end));
      expect(now.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
      before = now;
    }
  });
});
