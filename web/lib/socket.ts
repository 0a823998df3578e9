/**
 * The rim: everything that this library does to the world, and the only file that may, with `storage.ts` and
 * `token.ts` beside it.
 *
 * WebSocket, requests, timers, animation frames and the tab's storage; no decisions. It carries out the effects of
 * `session.ts` and hands back what happened as inputs.
 */

import { decodeConfig } from "./decode.ts";
import { type Asking, RequestError, requestProblem } from "./http.ts";
import { type ClientName, SUBPROTOCOL } from "./protocol.ts";
import type { Effect, Input, Start } from "./session-state.ts";
import { storing } from "./storage.ts";
import { askApp, type TokenSource, whyNot } from "./token.ts";

/** An input as it happens; who receives it adds the time. */
export type Happening = Input extends infer I ? (I extends unknown ? Omit<I, "now"> : never) : never;

/** The effects that touch the outside, and so are the rim's. */
export type OutsideEffect = Exclude<Effect, { readonly type: "applied" | "measure" }>;

/** The outside world, as the store needs it. `browserRim` is the real one; another may be made for tests. */
export interface Rim {
  /** Milliseconds since the epoch. */
  now(): number;
  /** A number in [0, 1). */
  random(): number;
  /** Carry out an effect; what comes of it is told as inputs. */
  run(effect: OutsideEffect): void;
  /** Ask the daemon something over HTTP; gives its JSON. Rejects with a RequestError. */
  request(path: string, asking: Asking): Promise<unknown>;
  /** How the session is to begin; what this tab kept of the operator's token is read now. */
  start(): Start;
  /** Ask the app for a token, for a request; null when nobody is signed in there. Rejects with what went wrong. */
  freshToken(): Promise<string | null>;
  /** Call back before the next paint, or soon when the page is hidden and nothing is painted. */
  beforePaint(callback: (visible: boolean) => void): void;
  /** Call back once what was just rendered is on the screen. */
  afterPaint(callback: () => void): void;
  /** Let go of everything; nothing is called back afterwards. */
  dispose(): void;
}

const tab = storing(() => sessionStorage);
const TOKEN_KEY = "mission-control.token";
const HIDDEN_PUBLISH_MS = 500;

/** Gives the outside world to a subscription that begins; `happened` is to be told of what happens there. */
export type MakeRim = (happened: (input: Happening) => void) => Rim;

/** Which daemon, and by whose leave. */
export interface BrowserOptions {
  /** Where the daemon is, such as `https://control.example:8700`; without it, where the page comes from. */
  readonly origin?: string | undefined;
  /**
   * The app's token for the daemon, or a function that gives it and is asked anew before each connection and request.
   * Nothing of it is stored. Without it the token is the operator's: `signIn` takes it, and the tab keeps it in its
   * `sessionStorage`.
   */
  readonly token?: TokenSource | undefined;
  /** How the page names itself to the daemon; this library's name, unless said otherwise. */
  readonly client?: ClientName | undefined;
}

/** The outside world of a page in a browser: WebSocket, fetch, timers, animation frames and the tab's storage. */
export function browserRim(options: BrowserOptions = {}): MakeRim {
  return (happened) => openRim(options, happened);
}

function openRim({ token, client, ...options }: BrowserOptions, happened: (input: Happening) => void): Rim {
  const origin = options.origin ?? window.location.origin;
  const lifetime = new AbortController();
  let socket: WebSocket | null = null;
  let pending: AbortController | null = null;
  let wake: ReturnType<typeof setTimeout> | undefined;

  function hangUp(): void {
    pending?.abort();
    pending = null;
    const old = socket;
    socket = null; // its handlers see that they are no longer meant
    old?.close();
  }

  /** Do something that ends in one input; whatever is begun after it makes its answer void. */
  async function answer(what: (signal: AbortSignal) => Promise<Happening>): Promise<void> {
    hangUp();
    const mine = new AbortController();
    pending = mine;
    const input = await what(mine.signal);
    if (pending === mine) happened(input);
  }

  async function configure(signal: AbortSignal): Promise<Happening> {
    try {
      const response = await fetch(new URL("/v1/config", origin), { signal, cache: "no-store" });
      const config = response.ok ? decodeConfig(await response.json()) : null;
      return config === null ? { type: "config_failed" } : { type: "configured", config };
    } catch {
      return { type: "config_failed" };
    }
  }

  async function askToken(): Promise<Happening> {
    try {
      return { type: "token_given", token: await askApp(token) };
    } catch (error) {
      return { type: "token_failed", why: whyNot(error) };
    }
  }

  function connect(): void {
    hangUp();
    const url = new URL("/v1/stream", origin);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const mine = new WebSocket(url, SUBPROTOCOL);
    socket = mine;
    const told = (input: Happening): void => {
      if (socket === mine) happened(input);
    };
    mine.onopen = () => told({ type: "opened" });
    mine.onmessage = (event) => told({ type: "frame", text: String(event.data) });
    mine.onclose = (event) => told({ type: "closed", code: event.code });
  }

  function wakeAt(at: number | null): void {
    clearTimeout(wake);
    if (at !== null) wake = setTimeout(() => happened({ type: "tick" }), Math.max(0, at - Date.now()));
  }

  const doubt = (): void => happened({ type: "doubt" });
  const shown = (): void => {
    if (!document.hidden) doubt();
  };
  const { signal } = lifetime;
  window.addEventListener("online", doubt, { signal });
  window.addEventListener("offline", doubt, { signal }); // the daemon may be on this very machine
  window.addEventListener("pageshow", doubt, { signal });
  document.addEventListener("visibilitychange", shown, { signal });

  return {
    now: () => Date.now(),
    random: () => Math.random(),
    run(effect) {
      switch (effect.type) {
        case "configure":
          void answer(configure);
          return;
        case "ask_token":
          void answer(askToken);
          return;
        case "connect":
          connect();
          return;
        case "send":
          if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(effect.frame));
          return;
        case "close":
          hangUp();
          return;
        case "wake":
          wakeAt(effect.at);
          return;
        case "remember":
          tab.set(TOKEN_KEY, effect.token);
      }
    },
    async request(path, { method = "GET", token = null, signal = null }) {
      let response: Response;
      try {
        const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
        response = await fetch(new URL(path, origin), { method, headers, signal, cache: "no-store" });
      } catch (error) {
        if (signal?.aborted) throw error;
        throw new RequestError(requestProblem(null, null));
      }
      const body: unknown = await response.json().catch(() => null);
      if (!response.ok) throw new RequestError(requestProblem(response.status, body));
      return body;
    },
    start() {
      if (token !== undefined) return { token: null, tokenFrom: "app", client };
      return { token: tab.get(TOKEN_KEY), tokenFrom: "operator", client };
    },
    freshToken: () => askApp(token),
    beforePaint(callback) {
      beforePaint(callback, lifetime.signal);
    },
    afterPaint(callback) {
      // A task that is posted from within an animation frame runs after that frame was painted.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        if (!lifetime.signal.aborted) callback();
      };
      port2.postMessage(null);
    },
    dispose() {
      lifetime.abort();
      clearTimeout(wake);
      hangUp();
    },
  };
}

/** Animation frames stop while a page is hidden, also one that was asked for before; then a timer takes over. */
function beforePaint(callback: (visible: boolean) => void, signal: AbortSignal): void {
  const once = (): void => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    if (!signal.aborted) callback(!document.hidden);
  };
  const timer = setTimeout(once, HIDDEN_PUBLISH_MS);
  const frame = requestAnimationFrame(once);
}
