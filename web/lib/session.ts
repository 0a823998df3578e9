/**
 * One subscription to the daemon, as a pure state machine: (state, input) → (state, effects).
 *
 * It owns the cursor, the hello and what follows it, the order and uniqueness of events, liveness, reconnection and
 * sign-in. It does no I/O and reads no clock: inputs carry `now` (ms since the epoch) and effects say what to do.
 * `socket.ts` carries them out.
 *
 *     idle ─start─► configuring ─config─► opening ─opened─► greeting ─welcome─► loading ──snapshot──► live
 *                        │ ▲                 ▲ ╰──closed, silence──╮    ╰───────► catching_up ──head──► │
 *                        ▼ │                 │                     ▼                                    │
 *                     waiting ◄──────────────┴── backoff ──── waiting ◄────closed, silence, gap─────────╯
 *
 *     final close code or a wrong version ─► stopped          a token is needed ─► signed_out ─sign in─► opening
 *
 * Where the app around the page gives the token, each attempt has one step more before `opening`:
 *
 *     configuring, waiting ─► authorizing ─token─► opening    no token, or refused twice ─► signed_out ─retry─► authorizing
 *                                 ╰──failed──► waiting
 *
 * `session-link.ts` has what makes and loses the link, this file what goes over it.
 */

import { observe } from "./clock.ts";
import { decodeFrame } from "./decode.ts";
import { Fold } from "./fold.ts";
import { GAP, type Problem, SILENT, tokenUnavailable, UNREACHABLE, VERSION_DIFFERS } from "./problem.ts";
import {
  type ClientFrame,
  type EventsFrame,
  type NoticeFrame,
  type Percentiles,
  PROTOCOL,
  type ServerFrame,
  type WelcomeFrame,
} from "./protocol.ts";
import {
  attempt,
  awaitsAnswer,
  closed,
  configured,
  doubt,
  greet,
  hangUp,
  hasSocket,
  hasStream,
  retry,
  retryLater,
  signIn,
  start,
  stay,
  tokenFailed,
  tokenGiven,
} from "./session-link.ts";
import type { Input, SessionState, Step } from "./session-state.ts";
import { type AgentKey, agentKey, viewOf } from "./view.ts";

export const REPORT_INTERVAL_MS = 10_000;
const NOTICES_KEPT = 3;

/**
 * The next state, and what is to be done about it. Pure: `input.now` is the time (ms since the epoch), `random` gives
 * numbers in [0, 1). It never throws, whatever a frame holds.
 */
export function reduce(state: SessionState, input: Input, random: () => number): Step {
  const step = keepAlive(accept(state, input, random), input.now, random);
  const at = wakeTime(step.state);
  const appointed = input.type === "tick" ? null : state.wakeAt; // a tick uses its appointment up
  if (at === state.wakeAt && at === appointed) return step;
  return { state: { ...step.state, wakeAt: at }, effects: [...step.effects, { type: "wake", at }] };
}

function accept(state: SessionState, input: Input, random: () => number): Step {
  switch (input.type) {
    case "start":
      return start(state, input, input.now);
    case "configured":
      return configured(state, input.config, input.now);
    case "config_failed":
      return state.link === "configuring" ? retryLater(state, UNREACHABLE, input.now, random) : stay(state);
    case "opened":
      return greet(state);
    case "closed":
      return closed(state, input.code, input.now, random);
    case "frame":
      return heard(state, input.text, input.now, random);
    case "tick":
      return state.link === "waiting" && input.now >= (state.retryAt ?? 0) ? attempt(state, input.now) : stay(state);
    case "retry":
      return retry(state, input.now);
    case "doubt":
      return doubt(state, input.now);
    case "token_given":
      return tokenGiven(state, input.token, input.now);
    case "token_failed":
      return tokenFailed(state, input.why, input.now, random);
    case "sign_in":
      return signIn(state, input.token, input.now);
    case "measured":
      return report(state, input.render);
    case "dismiss":
      return stay({ ...state, notices: state.notices.filter((notice) => notice.code !== input.code) });
  }
}

function heard(state: SessionState, text: string, now: number, random: () => number): Step {
  if (!hasSocket(state)) return stay(state);
  const decoded = decodeFrame(text);
  const malformed = state.malformed + (decoded?.malformed ?? 1);
  const next = { ...state, malformed, heardAt: now, doubtedUntil: null };
  if (decoded === null) return stay(next);
  const step = frame(next, decoded.frame, now, random);
  return step.state.link === "live" ? { state: { ...step.state, freshAt: now }, effects: step.effects } : step;
}

function frame(state: SessionState, received: ServerFrame, now: number, random: () => number): Step {
  switch (received.op) {
    case "welcome":
      return state.link === "greeting" ? welcome(state, received, now, random) : stay(state);
    case "snapshot": {
      if (!hasStream(state)) return stay(state);
      const snapshots = state.snapshots + 1;
      const loaded = { ...state, cursor: received.cursor, view: viewOf(received), loaded: true, snapshots };
      return { state: goLive(loaded, now), effects: [] };
    }
    case "events":
      return hasStream(state) && state.link !== "loading" ? events(state, received, now, random) : stay(state);
    case "pong":
      return { state: { ...state, clock: observe(state.clock, received.t, now, received.server_time) }, effects: [] };
    case "notice":
      return stay({ ...state, notices: noticed(state.notices, received) });
    case "error":
      return { state: { ...state, said: { code: received.code, message: received.message } }, effects: [] };
    case "unknown":
      return stay(state);
  }
}

/** The newest word on each subject: `persistence_recovered` takes the place of `persistence_stalled`. */
function noticed(notices: readonly NoticeFrame[], notice: NoticeFrame): readonly NoticeFrame[] {
  const subject = (code: string): string => code.slice(0, Math.max(0, code.lastIndexOf("_")));
  const others = notices.filter(({ code }) => code !== notice.code && subject(code) !== subject(notice.code));
  return [...others, notice].slice(-NOTICES_KEPT);
}

function welcome(state: SessionState, frame: WelcomeFrame, now: number, random: () => number): Step {
  if (frame.protocol !== PROTOCOL) {
    return {
      state: { ...state, link: "stopped", problem: VERSION_DIFFERS, liveSince: null },
      effects: [{ type: "close" }],
    };
  }
  const next: SessionState = {
    ...state,
    source: frame.source,
    welcomedAt: frame.server_time,
    pingIntervalMs: frame.policy.ping_interval_ms,
    pingAt: now,
    reportAt: now + REPORT_INTERVAL_MS,
    notices: [],
    head: frame.head ?? 0,
  };
  if (frame.resume === "snapshot") return { state: { ...next, link: "loading" }, effects: [] };
  if (state.cursor === null || frame.cursor.epoch !== state.cursor.epoch) return resync(next, now, random);
  return { state: catchUp({ ...next, link: "catching_up" }, now), effects: [] };
}

/** What continues is current once all is here that the journal had at the welcome. */
function catchUp(state: SessionState, now: number): SessionState {
  if (state.link !== "catching_up" || (state.cursor?.offset ?? 0) < state.head) return state;
  return goLive(state, now);
}

function goLive(state: SessionState, now: number): SessionState {
  return { ...state, link: "live", problem: null, retryAt: null, liveSince: state.liveSince ?? now };
}

/** Each journaled event once, in offset order; ephemeral ones as they come. */
function events(state: SessionState, frame: EventsFrame, now: number, random: () => number): Step {
  const fold = new Fold(state.view);
  const epoch = state.cursor?.epoch ?? "";
  let offset = state.cursor?.offset ?? 0;
  let duplicates = state.duplicates;
  let gap = false;
  let some = false;
  const emitted: number[] = [];
  const counts = new Map<AgentKey, number>();
  for (const event of frame.events) {
    if (event.offset !== null && event.offset <= offset) {
      duplicates += 1;
      continue;
    }
    const applied = fold.apply(event);
    if (applied === "gap") {
      gap = true;
      break;
    }
    if (applied === "duplicate") duplicates += 1;
    offset = event.offset ?? offset;
    some = true;
    if (event.timestamp < state.welcomedAt) continue; // replayed: it was neither painted late nor comes so fast
    if (applied !== "duplicate" && event.type.startsWith("conversation.")) emitted.push(event.timestamp);
    if (event.agent_id !== null && event.offset !== null) {
      const key = agentKey(event.gateway, event.agent_id);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  const cursor = { epoch, offset: gap ? offset : Math.max(offset, frame.offset) };
  const next = frame.events.length === 0 ? { ...state, cursor } : { ...state, cursor, duplicates, view: fold.finish() };
  const step = gap ? resync(next, now, random) : stay(catchUp(next, now));
  if (!some) return step;
  return { state: step.state, effects: [...step.effects, { type: "applied", emitted, events: counts }] };
}

/** Something is missing that should be here: come back without a cursor, for a fresh snapshot. */
function resync(state: SessionState, now: number, random: () => number): Step {
  return hangUp({ ...state, cursor: null, gaps: state.gaps + 1 }, GAP, now, random);
}

function report(state: SessionState, render: Percentiles): Step {
  if (state.link !== "live") return stay(state);
  const { duplicates, gaps, reported } = state;
  const frame: ClientFrame = {
    op: "report",
    render_ms: render,
    duplicates: duplicates - reported.duplicates,
    gaps: gaps - reported.gaps,
  };
  return { state: { ...state, reported: { duplicates, gaps } }, effects: [{ type: "send", frame }] };
}

/**
 * Whatever the input was: reconnect after two silent intervals, ping once an interval, ask for a report.
 *
 * It runs on every input, not only on ticks, because browsers hold back the timers of hidden pages but not their
 * frames: such a page goes on pinging.
 */
function keepAlive(step: Step, now: number, random: () => number): Step {
  const { state } = step;
  if (!awaitsAnswer(state)) return step;
  if (now >= silentAt(state)) {
    const lost = hangUp(state, silence(state), now, random);
    return { state: lost.state, effects: [...step.effects, ...lost.effects] };
  }
  if (state.link !== "live") return step;
  const effects = [...step.effects];
  let { pingAt, reportAt } = state;
  if (now >= pingAt) {
    effects.push({ type: "send", frame: { op: "ping", t: now } });
    pingAt = now + state.pingIntervalMs;
  }
  if (now >= reportAt) {
    effects.push({ type: "measure" });
    reportAt = now + REPORT_INTERVAL_MS;
  }
  return effects.length === step.effects.length ? step : { state: { ...state, pingAt, reportAt }, effects };
}

function silence({ link }: SessionState): Problem {
  return link === "authorizing" ? tokenUnavailable("it does not answer") : SILENT;
}

function silentAt({ heardAt, pingIntervalMs, doubtedUntil }: SessionState): number {
  return Math.min(heardAt + 2 * pingIntervalMs, doubtedUntil ?? Number.POSITIVE_INFINITY);
}

function wakeTime(state: SessionState): number | null {
  if (state.link === "waiting") return state.retryAt;
  if (state.link === "live") return Math.min(silentAt(state), state.pingAt, state.reportAt);
  return awaitsAnswer(state) ? silentAt(state) : null;
}
