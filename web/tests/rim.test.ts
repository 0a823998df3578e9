/** The browser's rim in a browser of strings: what it asks for, what it stores, and whose answers it hears. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type BrowserOptions, browserRim, type Happening, type Rim } from "../lib/socket.ts";

const ORIGIN = "https://control.example:8700";

class FakeSocket {
  static readonly made: string[] = [];
  static readonly OPEN = 1;
  constructor(url: URL) {
    FakeSocket.made.push(url.href);
  }
  close(): void {}
}

let stored: Map<string, string>;
let fetched: { url: string; authorization: string | undefined }[];
let happened: Happening[];
let rim: Rim;

beforeEach(() => {
  stored = new Map([["mission-control.token", "kept"]]);
  fetched = [];
  happened = [];
  FakeSocket.made.length = 0;
  vi.stubGlobal("window", Object.assign(new EventTarget(), { location: { origin: "https://app.example" } }));
  vi.stubGlobal("document", Object.assign(new EventTarget(), { hidden: false }));
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  });
  vi.stubGlobal("fetch", (url: URL, init: RequestInit) => {
    fetched.push({ url: url.href, authorization: (init.headers as Record<string, string> | undefined)?.Authorization });
    return Promise.resolve(new Response('{"auth":{"mode":"token"},"protocol":1,"source":"live"}'));
  });
});

afterEach(() => {
  rim.dispose();
  vi.unstubAllGlobals();
});

function open(options?: BrowserOptions): Rim {
  rim = browserRim(options)((input) => happened.push(input));
  return rim;
}

const types = () => happened.map(({ type }) => type);

describe("where the daemon is", () => {
  test("everything goes to the origin that was given", async () => {
    open({ origin: ORIGIN }).run({ type: "configure" });
    await vi.waitFor(() => expect(types()).toEqual(["configured"]));
    rim.run({ type: "connect" });
    await rim.request("/v1/feed", { token: "t" });
    expect(fetched).toEqual([
      { url: `${ORIGIN}/v1/config`, authorization: undefined },
      { url: `${ORIGIN}/v1/feed`, authorization: "Bearer t" },
    ]);
    expect(FakeSocket.made).toEqual(["wss://control.example:8700/v1/stream"]);
  });

  test("without one, to where the page comes from", () => {
    open().run({ type: "connect" });
    expect(FakeSocket.made).toEqual(["wss://app.example/v1/stream"]);
  });
});

describe("whose token it is", () => {
  test("the operator's is kept for this tab", () => {
    expect(open().start()).toMatchObject({ token: "kept", tokenFrom: "operator" });
    rim.run({ type: "remember", token: "typed" });
    expect(stored.get("mission-control.token")).toBe("typed");
  });

  test("the app's is asked for each time, and nothing is read from the tab or stored in it", async () => {
    stored.clear();
    const given = ["token 1", "token 2"];
    open({ origin: ORIGIN, token: () => Promise.resolve(given.shift() ?? null) });
    expect(rim.start()).toMatchObject({ token: null, tokenFrom: "app" });
    rim.run({ type: "ask_token" });
    await vi.waitFor(() => expect(happened).toEqual([{ type: "token_given", token: "token 1" }]));
    expect(await rim.freshToken()).toBe("token 2");
    expect(stored.size).toBe(0);
  });

  test("where the browser lets nothing be kept, the operator's is kept in memory, and the page goes on", () => {
    const blocked = (): never => {
      throw new DOMException("blocked", "SecurityError");
    };
    vi.stubGlobal("sessionStorage", { getItem: blocked, setItem: blocked, removeItem: blocked });
    expect(open().start()).toMatchObject({ token: null });
    rim.run({ type: "remember", token: "typed" });
    expect(open().start()).toMatchObject({ token: "typed" });
    rim.run({ type: "remember", token: null });
    expect(open().start()).toMatchObject({ token: null });
  });

  test("a plain one is given as it is, an empty one is none", async () => {
    expect(await open({ token: "plain" }).freshToken()).toBe("plain");
    expect(await open({ token: () => Promise.resolve("") }).freshToken()).toBeNull();
  });

  test("an app that fails, also at once, is an answer with its reason", async () => {
    open({
      token: () => {
        throw new Error("no session");
      },
    }).run({ type: "ask_token" });
    await vi.waitFor(() => expect(happened).toEqual([{ type: "token_failed", why: "no session" }]));
  });

  test("an answer to a question that was given up is not heard", async () => {
    let answer: (token: string) => void = () => {};
    open({ token: () => new Promise((resolve) => (answer = resolve)) }).run({ type: "ask_token" });
    rim.run({ type: "close" });
    answer("late");
    await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve));
    expect(happened).toEqual([]);
  });
});
