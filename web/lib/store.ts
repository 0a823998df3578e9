/**
 * The session in a store that a user interface can follow.
 *
 * The reducer runs at once on every input; what it made is published at most once per animation frame, so that a burst
 * of frames costs one rendering. After each paint the latency of what was painted is measured.
 */

import { createStore, type StoreApi } from "zustand/vanilla";
import { type Asking, RequestError } from "./http.ts";
import { LatencyWindow } from "./latency.ts";
import { NOBODY_SIGNED_IN, tokenUnavailable } from "./problem.ts";
import type { Cursor, Percentiles } from "./protocol.ts";
import { Rates } from "./rates.ts";
import { reduce } from "./session.ts";
import { type Effect, INITIAL, type SessionState, serverOffset } from "./session-state.ts";
import type { Happening, MakeRim, Rim } from "./socket.ts";
import { whyNot } from "./token.ts";

const ROLLING_SAMPLES = 8_192;

/** Figures about this subscription, for tests and operators. */
export interface Diagnostics {
  /** From the source's emission to the painted frame, in ms, over the newest samples. */
  latency(): Percentiles;
  /** The position after the newest event that was applied. */
  cursor(): Cursor | null;
  /** Events that came again, and were left out. */
  readonly duplicates: number;
  /** Holes that were found, each answered with a fresh snapshot. */
  readonly gaps: number;
  /** Frames and entries that had not their shape, and were left out. */
  readonly malformed: number;
}

/** One subscription to a daemon. Nothing happens before `start`. */
export interface MissionControl {
  /** The session; it changes at most once per animation frame. */
  readonly store: StoreApi<SessionState>;
  readonly diagnostics: Diagnostics;
  /** Events per agent and second, over the last minute. */
  readonly rates: Rates;
  /** Connect, and stay so until the returned function is called. A new start begins anew, without a cursor. */
  start(): () => void;
  /**
   * Try again now rather than at the appointed time. Where the app gives the token, this is also the way on from
   * `signed_out`: the app is asked again.
   */
  retry(): void;
  /** Use the operator's token, and keep it for this tab. Without effect where the app gives the token. */
  signIn(token: string): void;
  /** Put away the notice with this code. */
  dismiss(code: string): void;
  /**
   * Ask the daemon something over HTTP, with the token of who is signed in; gives the decoded JSON. Rejects with a
   * RequestError, whose `problem` is for people, or with an AbortError when `asking.signal` or the end of the
   * subscription stopped it.
   */
  request(path: string, asking?: Omit<Asking, "token">): Promise<unknown>;
}

/** A subscription over the outside world that `makeRim` gives, such as `browserRim()`; it is called at every start. */
export function missionControl(makeRim: MakeRim): MissionControl {
  const store = createStore<SessionState>(() => INITIAL);
  const rolling = new LatencyWindow(ROLLING_SAMPLES);
  const unreported = new LatencyWindow(ROLLING_SAMPLES);
  const rates = new Rates();
  let rim: Rim | null = null;
  let state = INITIAL;
  let publishing = false;
  let emitted: number[] = [];

  function happened(input: Happening): void {
    if (rim === null) return;
    const step = reduce(state, { ...input, now: rim.now() }, rim.random);
    state = step.state;
    for (const effect of step.effects) run(effect, rim);
    if (publishing || state === store.getState()) return;
    publishing = true;
    rim.beforePaint(publish);
  }

  function run(effect: Effect, outside: Rim): void {
    if (effect.type === "applied") {
      for (const timestamp of effect.emitted) emitted.push(timestamp);
      for (const [agent, events] of effect.events) rates.add(agent, events, outside.now());
    } else if (effect.type === "measure") {
      happened({ type: "measured", render: unreported.summary() });
      unreported.clear();
    } else {
      outside.run(effect);
    }
  }

  function publish(visible: boolean): void {
    publishing = false;
    store.setState(state, true);
    const painted = emitted;
    emitted = [];
    if (visible && painted.length > 0) rim?.afterPaint(() => measure(painted));
  }

  function measure(painted: readonly number[]): void {
    const now = (rim?.now() ?? 0) + serverOffset(state);
    for (const timestamp of painted) {
      const latency = Math.max(0, now - timestamp);
      rolling.add(latency);
      unreported.add(latency);
    }
  }

  /** The token for a request. Rejects with a RequestError when the app has none. */
  async function appToken(outside: Rim): Promise<string | null> {
    if (state.config?.auth.mode === "none") return null;
    const token = await outside.freshToken().catch((error: unknown) => {
      throw new RequestError(tokenUnavailable(whyNot(error)));
    });
    if (token === null) throw new RequestError(NOBODY_SIGNED_IN);
    return token;
  }

  return {
    store,
    rates,
    diagnostics: {
      latency: () => rolling.summary(),
      cursor: () => state.cursor,
      get duplicates() {
        return state.duplicates;
      },
      get gaps() {
        return state.gaps;
      },
      get malformed() {
        return state.malformed;
      },
    },
    start() {
      const mine = makeRim(happened);
      rim = mine;
      publishing = false;
      emitted = [];
      rates.clear(); // it may be another daemon: what was counted and measured of the one before says nothing of it
      rolling.clear();
      unreported.clear();
      happened({ type: "start", ...mine.start() });
      return () => {
        mine.dispose();
        if (rim === mine) rim = null;
      };
    },
    retry: () => happened({ type: "retry" }),
    signIn: (token) => happened({ type: "sign_in", token }),
    dismiss: (code) => happened({ type: "dismiss", code }),
    async request(path, asking = {}) {
      const mine = rim;
      if (mine === null) throw new DOMException("not started", "AbortError");
      const token = state.tokenFrom === "app" ? await appToken(mine) : state.token;
      asking.signal?.throwIfAborted();
      return mine.request(path, { ...asking, token });
    },
  };
}
