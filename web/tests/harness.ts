/** Drives the pure session the way the rim would: wake-ups come when due, and what it sends is kept. */

import type { ClientFrame, ServerConfig } from "../lib/protocol.ts";
import { reduce } from "../lib/session.ts";
import { type Effect, INITIAL, type Input, type SessionState } from "../lib/session-state.ts";

type Happening = Input extends infer I ? (I extends unknown ? Omit<I, "now"> : never) : never;

export const OPEN_CONFIG: ServerConfig = { auth: { mode: "none" }, protocol: 1, source: "live" };
export const TOKEN_CONFIG: ServerConfig = { auth: { mode: "token" }, protocol: 1, source: "live" };

export class Harness {
  state: SessionState = INITIAL;
  now = 1_000_000;
  readonly effects: Effect[] = [];
  readonly random: () => number;
  #wakeAt: number | null = null;

  constructor(random: () => number = () => 0) {
    this.random = random;
  }

  give(input: Happening): this {
    const step = reduce(this.state, { ...input, now: this.now }, this.random);
    this.state = step.state;
    for (const effect of step.effects) {
      this.effects.push(effect);
      if (effect.type === "wake") this.#wakeAt = effect.at;
    }
    return this;
  }

  /** Let time pass; every wake-up that falls due on the way is given at its time. */
  advance(milliseconds: number): this {
    const end = this.now + milliseconds;
    while (this.#wakeAt !== null && this.#wakeAt <= end) {
      this.now = Math.max(this.now, this.#wakeAt);
      this.#wakeAt = null;
      this.give({ type: "tick" });
    }
    this.now = end;
    return this;
  }

  frame(frame: object): this {
    return this.give({ type: "frame", text: JSON.stringify(frame) });
  }

  /** Configured and with an open socket, its hello sent. */
  greet(config: ServerConfig = OPEN_CONFIG, token: string | null = null): this {
    return this.give({ type: "start", token }).give({ type: "configured", config }).give({ type: "opened" });
  }

  /** Greeted, welcomed and loaded from a first snapshot at `offset`. */
  live(offset = 10, snapshot: object = {}): this {
    return this.greet().frame(welcome("snapshot", { offset })).frame(emptySnapshot({ offset }, snapshot));
  }

  /** After a loss: the next socket opens. */
  reopen(): this {
    return this.advance(0).give({ type: "opened" });
  }

  events(offset: number, ...events: object[]): this {
    return this.frame({ op: "events", events, offset });
  }

  sent<Op extends ClientFrame["op"]>(op: Op): Extract<ClientFrame, { op: Op }>[] {
    return this.effects
      .flatMap((effect) => (effect.type === "send" ? [effect.frame] : []))
      .filter((frame): frame is Extract<ClientFrame, { op: Op }> => frame.op === op);
  }

  count(type: Effect["type"]): number {
    return this.effects.filter((effect) => effect.type === type).length;
  }
}

interface At {
  readonly offset: number;
  readonly epoch?: string;
}

export function welcome(resume: "continued" | "snapshot", { offset, epoch = "e1" }: At, more: object = {}): object {
  return {
    op: "welcome",
    protocol: 1,
    session: "s1",
    resume,
    reason: resume === "snapshot" ? "first" : null,
    cursor: { epoch, offset },
    server_time: 1_000_000,
    policy: { ping_interval_ms: 10_000, max_buffer_bytes: 1_048_576, flush_interval_ms: 20 },
    source: "live",
    ...more,
  };
}

export function emptySnapshot({ offset, epoch = "e1" }: At, more: object = {}): object {
  return {
    op: "snapshot",
    reason: "first",
    cursor: { epoch, offset },
    gateways: [],
    agents: [],
    messages: [],
    feed: [],
    ...more,
  };
}

export function envelope(offset: number | null, type: string, payload: object, more: object = {}): object {
  return {
    event_id: `id-${offset}-${type}`,
    timestamp: 1_000_000,
    agent_id: "atlas",
    type,
    payload,
    sequence: 1,
    gateway: "main",
    offset,
    ...more,
  };
}

const PART = { message_id: "m1", run_id: "r1", session: "agent:atlas:main", role: "assistant" };

export function chunk(offset: number, index: number, start: number, delta: string, more: object = {}): object {
  return envelope(offset, "conversation.chunk", { ...PART, index, start, delta, ...more });
}

export function final(offset: number, text: string, more: object = {}, outer: object = {}): object {
  return envelope(offset, "conversation.final", { ...PART, text, state: "complete", chunks: 1, ...more }, outer);
}

export function activity(offset: number, kind: string, more: object = {}, outer: object = {}): object {
  return envelope(offset, "activity.event", { kind, title: kind, ...more }, outer);
}
