import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cutOff, outdated, type Polled, poll, UNASKED } from "../components/hooks/polling.ts";
import { RequestError } from "../lib/http.ts";

const EVERY_MS = 1_000;
const LONG_MS = 20_000;

beforeEach(() => void vi.useFakeTimers({ now: 50_000 }));
afterEach(() => void vi.useRealTimers());

const isNumber = (value: unknown): number | null => (typeof value === "number" ? value : null);

class Asked {
  polled: Polled<number> = UNASKED;
  seen = true;
  /** One for each question, in their order. */
  readonly questions: { readonly signal: AbortSignal; readonly answer: (value: unknown) => void }[] = [];
  readonly end = poll<number>({
    ask: (signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new DOMException("no longer wanted", "AbortError")));
        this.questions.push({
          signal,
          answer: (value) => (value instanceof Error ? reject(value) : resolve(value)),
        });
      }),
    decode: isNumber,
    everyMs: EVERY_MS,
    seen: () => this.seen,
    update: (change) => {
      this.polled = change(this.polled);
    },
  });

  async answer(value: unknown): Promise<void> {
    this.questions.at(-1)?.answer(value);
    await vi.advanceTimersByTimeAsync(0);
  }
}

const failure = new RequestError({ code: "500", message: "The daemon answered with 500." });

test("the next question waits for the answer, so that no late one takes the place of a newer one", async () => {
  const asked = new Asked();
  await vi.advanceTimersByTimeAsync(EVERY_MS * 5);
  expect(asked.questions).toHaveLength(1);
  await asked.answer(1);
  expect(asked.polled).toEqual({ value: 1, at: 55_000, problem: null });
  await vi.advanceTimersByTimeAsync(EVERY_MS - 1);
  expect(asked.questions).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked.questions).toHaveLength(2);
});

test("what is known stays, as old as it is, when a question fails, and is current again with the next answer", async () => {
  const asked = new Asked();
  await asked.answer(1);
  expect(outdated(asked.polled)).toBeNull();
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  await asked.answer(failure);
  expect(asked.polled.value).toBe(1);
  expect(outdated(asked.polled)).toEqual({ at: 50_000, problem: failure.problem });
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  await asked.answer(2);
  expect(asked.polled).toEqual({ value: 2, at: 52_000, problem: null });
});

test("an answer that is not understood is a problem, and takes nothing away", async () => {
  const asked = new Asked();
  await asked.answer("what?");
  expect(asked.polled.value).toBeNull();
  expect(asked.polled.problem?.message).toBe("The daemon's answer was not understood.");
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  await asked.answer(1);
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  await asked.answer("what?");
  expect(asked.polled).toMatchObject({ value: 1, at: 51_000, problem: { code: "not_understood" } });
});

test("a question without an answer is given up, told, and asked again", async () => {
  const asked = new Asked();
  await vi.advanceTimersByTimeAsync(LONG_MS);
  expect(asked.questions.length).toBeGreaterThan(1);
  expect(asked.polled.problem?.message).toBe("The daemon does not answer.");
});

test("nothing is asked while nobody looks", async () => {
  const asked = new Asked();
  await asked.answer(1);
  asked.seen = false;
  await vi.advanceTimersByTimeAsync(LONG_MS);
  expect(asked.questions).toHaveLength(1);
  asked.seen = true;
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  expect(asked.questions).toHaveLength(2);
});

test("after its end nothing is asked, and what was asked changes nothing", async () => {
  const asked = new Asked();
  asked.end();
  expect(asked.questions[0]?.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(LONG_MS);
  expect(asked.questions).toHaveLength(1);
  expect(asked.polled).toEqual(UNASKED);
});

test("without a link what is known is old, and what is not known is still awaited", () => {
  expect(cutOff(UNASKED)).toEqual(UNASKED);
  const known = { value: 1, at: 7, problem: null };
  expect(outdated(cutOff(known))).toEqual({
    at: 7,
    problem: { code: "not_connected", message: "This page is not connected." },
  });
});
