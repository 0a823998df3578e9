/**
 * The session in a store that a user interface can follow.
 *
 * The reducer runs at once on every input; what it made is published at most once per animation frame, so that a burst
 * of frames costs one rendering. After each paint the latency of what was painted is measured.
 */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Asking } from "./http.ts";
import { LatencyWindow } from "./latency.ts";
import type { Cursor, Percentiles } from "./protocol.ts";
import { Rates } from "./rates.ts";
import { reduce } from "./session.ts";
import { type Effect, INITIAL, type SessionState, serverOffset } from "./session-state.ts";
import type { Happening, Rim } from "./socket.ts";

const ROLLING_SAMPLES = 8_192;

/** What tests and operators may look at, as `window.__missionControl`. */
export interface Diagnostics {
  /** From the source's emission to the painted frame, in ms, over the newest samples. */
  latency(): Percentiles;
  cursor(): Cursor | null;
  readonly duplicates: number;
  readonly gaps: number;
  readonly malformed: number;
}

export interface MissionControl {
  readonly store: StoreApi<SessionState>;
  readonly diagnostics: Diagnostics;
  readonly rates: Rates;
  /** Connect, and stay so until the returned function is called. */
  start(): () => void;
  /** Try again now rather than at the appointed time. */
  retry(): void;
  signIn(token: string): void;
  /** Put away the notice with this code. */
  dismiss(code: string): void;
  /** Ask the daemon something over HTTP, as who is signed in. Rejects with a RequestError. */
  request(path: string, asking?: Omit<Asking, "token">): Promise<unknown>;
}

/** `makeRim` gives the outside world; it is called at every start. */
export function missionControl(makeRim: (happened: (input: Happening) => void) => Rim): MissionControl {
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
      happened({ type: "start", token: mine.storedToken() });
      return () => {
        mine.dispose();
        if (rim === mine) rim = null;
      };
    },
    retry: () => happened({ type: "retry" }),
    signIn: (token) => happened({ type: "sign_in", token }),
    dismiss: (code) => happened({ type: "dismiss", code }),
    async request(path, asking = {}) {
      if (rim === null) throw new DOMException("not started", "AbortError");
      return rim.request(path, { ...asking, token: state.token });
    },
  };
}
