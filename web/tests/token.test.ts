import { describe, expect, test, vi } from "vitest";
import { phase } from "../lib/session-state.ts";
import { missionControl } from "../lib/store.ts";
import { askApp } from "../lib/token.ts";
import { FakeRim } from "./fake-rim.ts";
import { emptySnapshot, Harness, OPEN_CONFIG, TOKEN_CONFIG, welcome } from "./harness.ts";

/** A session whose token comes from the app, with the daemon's configuration known. */
function asking(random = 0): Harness {
  const session = new Harness(() => random).give({ type: "start", token: null, tokenFrom: "app" });
  return session.give({ type: "configured", config: TOKEN_CONFIG });
}

/** The same, and live with this token. */
function liveWith(token: string): Harness {
  const session = asking().give({ type: "token_given", token }).give({ type: "opened" });
  return session.frame(welcome("snapshot", { offset: 10 })).frame(emptySnapshot({ offset: 10 }));
}

const tokens = (session: Harness) => session.sent("hello").map(({ token }) => token);

describe("a token that the app gives", () => {
  test("it is asked for before the socket is opened, and goes into the hello", () => {
    const session = asking();
    expect(session.state.link).toBe("authorizing");
    expect([session.count("ask_token"), session.count("connect")]).toEqual([1, 0]);
    session.give({ type: "token_given", token: "one" }).give({ type: "opened" });
    expect(tokens(session)).toEqual(["one"]);
  });

  test("it is asked for anew before each connection, which goes on at its cursor", () => {
    const session = liveWith("one").give({ type: "closed", code: 1006 }).advance(0);
    expect(session.count("ask_token")).toBe(2);
    session.give({ type: "token_given", token: "two" }).give({ type: "opened" });
    expect(tokens(session)).toEqual(["one", "two"]);
    expect(session.sent("hello").at(-1)?.cursor).toEqual({ epoch: "e1", offset: 10 });
  });

  test("a daemon that wants none is not given one, and the app is not asked", () => {
    const session = new Harness().give({ type: "start", token: null, tokenFrom: "app" });
    session.give({ type: "configured", config: OPEN_CONFIG }).give({ type: "opened" });
    expect(session.count("ask_token")).toBe(0);
    expect(tokens(session)).toEqual([undefined]);
  });

  test("it is never to be remembered, also when somebody signs in by hand or it is refused", () => {
    const session = liveWith("one").give({ type: "sign_in", token: "typed" });
    session.give({ type: "closed", code: 4401 }).give({ type: "token_given", token: null });
    session.give({ type: "sign_in", token: "typed" });
    expect(session.count("remember")).toBe(0);
    expect(session.state.link).toBe("signed_out");
  });

  test("nobody signed in: no connection and no further question until somebody says so", () => {
    const session = asking().give({ type: "token_given", token: null }).advance(600_000);
    expect(session.state.link).toBe("signed_out");
    expect(session.state.problem?.remedy).toContain("Sign in");
    expect(session.count("ask_token")).toBe(1);
    session.give({ type: "retry" }).give({ type: "token_given", token: "one" }).give({ type: "opened" });
    expect(tokens(session)).toEqual(["one"]);
  });

  test("an answer that comes when none is due changes nothing", () => {
    const session = liveWith("one");
    const before = session.state;
    session.give({ type: "token_given", token: "late" }).give({ type: "token_failed", why: "late" });
    expect(session.state).toEqual(before);
  });
});

describe("a token that is refused", () => {
  test("leads to one fresh question, and then the page is signed out", () => {
    const session = asking().give({ type: "token_given", token: "old" }).give({ type: "opened" });
    session.give({ type: "closed", code: 4401 });
    expect([session.state.link, session.count("ask_token")]).toEqual(["authorizing", 2]);
    session.give({ type: "token_given", token: "new" }).give({ type: "opened" }).give({ type: "closed", code: 4401 });
    expect(session.advance(600_000).state.link).toBe("signed_out");
    expect(session.state.token).toBeNull();
    expect(session.state.problem?.remedy).toBeDefined();
    expect(phase(session.state)).toBe("disconnected");
    expect(session.count("ask_token")).toBe(2);
    expect(tokens(session)).toEqual(["old", "new"]);
  });

  test("the same token again is not sent again", () => {
    const session = asking().give({ type: "token_given", token: "old" }).give({ type: "opened" });
    session.give({ type: "closed", code: 4401 }).give({ type: "token_given", token: "old" });
    expect(session.state.link).toBe("signed_out");
    expect(session.state.problem?.code).toBe("4401");
    expect(session.count("connect")).toBe(1);
  });

  test("trying again by hand tries every token again", () => {
    const session = asking().give({ type: "token_given", token: "old" }).give({ type: "opened" });
    session.give({ type: "closed", code: 4401 }).give({ type: "token_given", token: "old" });
    session.give({ type: "retry" }).give({ type: "token_given", token: "old" });
    expect(session.state.link).toBe("opening");
  });

  test.each([1, 2, 3])("one that expires after the link has held is replaced, however often: %i", (times) => {
    const session = liveWith("token 0");
    for (let n = 1; n <= times; n += 1) {
      session.advance(6_000).give({ type: "closed", code: 4401 });
      session.give({ type: "token_given", token: `token ${n}` }).give({ type: "opened" });
      session.frame(welcome("continued", { offset: 10 }));
      expect(session.state.link).toBe("live");
    }
  });

  test("a daemon that takes a token and refuses it at once is not asked for ever", () => {
    const session = liveWith("one").give({ type: "closed", code: 4401 });
    session.give({ type: "token_given", token: "two" }).give({ type: "opened" });
    session.frame(welcome("continued", { offset: 10 })).give({ type: "closed", code: 4401 });
    expect(session.state.link).toBe("signed_out");
  });

  test("a daemon that has begun to want one since it was asked gets one", () => {
    const session = new Harness().give({ type: "start", token: null, tokenFrom: "app" });
    session.give({ type: "configured", config: OPEN_CONFIG }).give({ type: "opened" });
    session.give({ type: "closed", code: 4401 }).give({ type: "token_given", token: "one" }).give({ type: "opened" });
    expect(tokens(session)).toEqual([undefined, "one"]);
    session.give({ type: "closed", code: 1006 }).advance(0);
    expect(session.state.link).toBe("authorizing");
  });
});

describe("an app that fails to answer", () => {
  test("is a problem with its reason and a remedy, and is asked again with backoff", () => {
    const session = asking(0.5);
    const waits: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      session.give({ type: "token_failed", why: "Failed to fetch" });
      expect(session.state.link).toBe("waiting");
      expect(session.state.problem).toMatchObject({ code: "token_unavailable" });
      expect(session.state.problem?.message).toContain("Failed to fetch");
      expect(session.state.problem?.remedy).toBeDefined();
      waits.push((session.state.retryAt ?? 0) - session.now);
      session.advance(waits.at(-1) ?? 0);
      expect(session.state.link).toBe("authorizing");
    }
    expect(waits).toEqual([125, 250, 500]);
    expect(session.count("ask_token")).toBe(4);
    expect(session.count("connect")).toBe(0);
  });

  test("a rim that never answers does not hold the session up for ever", () => {
    const session = asking(0.5).advance(20_000);
    expect(session.state.link).toBe("waiting");
    expect(session.state.problem?.code).toBe("token_unavailable");
    expect(session.count("close")).toBe(1);
  });

  test("after a refusal the token that was refused is still not sent again", () => {
    const session = asking().give({ type: "token_given", token: "old" }).give({ type: "opened" });
    session.give({ type: "closed", code: 4401 }).give({ type: "token_failed", why: "" }).advance(0);
    session.give({ type: "token_given", token: "old" });
    expect(session.state.link).toBe("signed_out");
    expect(session.state.problem?.code).toBe("4401");
  });

  test("too slow an app is one that fails", async () => {
    vi.useFakeTimers();
    try {
      const asked = askApp(() => new Promise(() => {}));
      const outcome = expect(asked).rejects.toThrow("15 s");
      await vi.advanceTimersByTimeAsync(15_000);
      await outcome;
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("requests", () => {
  let rim: FakeRim;
  function mission(app: () => Promise<string | null>) {
    const made = missionControl((happened) => {
      rim = new FakeRim(happened);
      rim.tokenFrom = "app";
      rim.app = app;
      return rim;
    });
    made.start();
    rim.happened({ type: "configured", config: TOKEN_CONFIG });
    return made;
  }

  test("each asks the app anew", async () => {
    const given = ["token 1", "token 2"];
    const made = mission(() => Promise.resolve(given.shift() ?? null));
    await made.request("/v1/a");
    await made.request("/v1/b");
    expect(rim.asked).toEqual([
      ["/v1/a", "token 1"],
      ["/v1/b", "token 2"],
    ]);
  });

  test("without a token there is none, and the error says what to do", async () => {
    const nobody = mission(() => Promise.resolve(null));
    await expect(nobody.request("/v1/a")).rejects.toMatchObject({ problem: { code: "signed_out" } });
    const failing = mission(() => Promise.reject(new Error("Failed to fetch")));
    await expect(failing.request("/v1/a")).rejects.toMatchObject({
      name: "RequestError",
      problem: { code: "token_unavailable", remedy: expect.any(String) },
    });
    expect(rim.asked).toEqual([]);
  });

  test("one that was given up while the app was asked is not made", async () => {
    const made = mission(() => Promise.resolve("token"));
    const abort = new AbortController();
    const asked = made.request("/v1/a", { signal: abort.signal });
    abort.abort();
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    expect(rim.asked).toEqual([]);
  });
});
