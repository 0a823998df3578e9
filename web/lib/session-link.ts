/**
 * How the link of a session is made, lost and made again: the part of the state machine in `session.ts` that knows the
 * daemon's configuration, the token, the socket and the wait between two attempts, and nothing of what is streamed.
 *
 * The token comes from one of two. The operator types it, and it is kept and used until it is refused. Or the app that
 * the page belongs to gives it: then it is asked for before each connection and never kept, so that it may be one that
 * is good for a minute. A refused one is asked for once more, since it may just have expired; the second refusal, or the
 * same token again, is the app's last word until somebody says `retry`.
 */

import { backoff } from "./backoff.ts";
import { closeProblem, NOBODY_SIGNED_IN, type Problem, TOKEN_REFUSED, tokenUnavailable } from "./problem.ts";
import { type ClientFrame, FINAL_CLOSE_CODES, type ServerConfig } from "./protocol.ts";
import { INITIAL, type SessionState, type Start, type Step } from "./session-state.ts";

/** How long a connection must have held before its loss counts as a first failure again. */
const STABLE_MS = 5_000;
/** How soon an answer must come over a connection that may be gone. */
const DOUBT_MS = 3_000;
const UNAUTHENTICATED = 4401;

export const stay = (state: SessionState): Step => ({ state, effects: [] });

/** Anew, but for the count of snapshots: the next one is another one, also for whoever knew the state before. */
export function start({ snapshots }: SessionState, by: Start, now: number): Step {
  const { token, tokenFrom = INITIAL.tokenFrom, client = INITIAL.client } = by;
  return configure({ ...INITIAL, snapshots, token, tokenFrom, client }, now);
}

function configure(state: SessionState, now: number): Step {
  return { state: { ...state, link: "configuring", heardAt: now, retryAt: null }, effects: [{ type: "configure" }] };
}

export function configured(state: SessionState, config: ServerConfig, now: number): Step {
  if (state.link !== "configuring") return stay(state);
  const next = { ...state, config, source: state.source ?? config.source };
  if (asksApp(next)) return askToken(next, now);
  if (config.auth.mode === "token" && state.token === null) return stay(signedOut(next, null));
  return connect(next, now);
}

/** Try again: ask for the configuration first as long as it isn't known, and for a token if the app gives it. */
export function attempt(state: SessionState, now: number): Step {
  if (state.config === null) return configure(state, now);
  return asksApp(state) ? askToken(state, now) : connect(state, now);
}

function connect(state: SessionState, now: number): Step {
  return { state: opening(state, "opening", now), effects: [{ type: "connect" }] };
}

function askToken(state: SessionState, now: number): Step {
  return { state: { ...opening(state, "authorizing", now), token: null }, effects: [{ type: "ask_token" }] };
}

function opening(state: SessionState, link: "opening" | "authorizing", now: number): SessionState {
  return { ...state, link, heardAt: now, doubtedUntil: null, retryAt: null, said: null };
}

function asksApp({ tokenFrom, config }: SessionState): boolean {
  return tokenFrom === "app" && config?.auth.mode === "token";
}

/** The app's answer; null says that nobody is signed in there. */
export function tokenGiven(state: SessionState, token: string | null, now: number): Step {
  if (state.link !== "authorizing") return stay(state);
  if (token === null) return stay(signedOut(state, NOBODY_SIGNED_IN));
  if (token === state.refused) return stay(signedOut(state, TOKEN_REFUSED));
  return connect({ ...state, token }, now);
}

export function tokenFailed(state: SessionState, why: string, now: number, random: () => number): Step {
  return state.link === "authorizing" ? retryLater(state, tokenUnavailable(why), now, random) : stay(state);
}

function signedOut(state: SessionState, problem: Problem | null): SessionState {
  return { ...state, link: "signed_out", token: null, problem, liveSince: null, retryAt: null };
}

/** Somebody wants it now. Of an operator who has to sign in that is the business of `signIn`. */
export function retry(state: SessionState, now: number): Step {
  if (state.link === "waiting" || state.link === "stopped") return attempt(state, now);
  if (state.link !== "signed_out" || state.tokenFrom !== "app") return stay(state);
  return attempt({ ...state, refused: null, problem: null, attempt: 0 }, now);
}

/** Ask at once, and wait for the answer for a short while only; or try again at once. */
export function doubt(state: SessionState, now: number): Step {
  if (state.link === "waiting") return attempt(state, now);
  if (!hasSocket(state)) return stay(state);
  return stay({ ...state, pingAt: now, doubtedUntil: now + DOUBT_MS });
}

export function signIn(state: SessionState, token: string, now: number): Step {
  if (state.tokenFrom === "app") return stay(state); // what the app gives is never kept, and nothing else is used
  const step = attempt({ ...state, token, problem: null, attempt: 0 }, now);
  return { state: step.state, effects: [{ type: "remember", token }, ...step.effects] };
}

export function greet(state: SessionState): Step {
  if (state.link !== "opening") return stay(state);
  const frame: ClientFrame = {
    op: "hello",
    client: state.client,
    ...(state.token === null ? {} : { token: state.token }),
    ...(state.cursor === null ? {} : { cursor: state.cursor }),
  };
  return { state: { ...state, link: "greeting" }, effects: [{ type: "send", frame }] };
}

export function closed(state: SessionState, code: number, now: number, random: () => number): Step {
  if (!hasSocket(state)) return stay(state);
  const reason = closeProblem(code, state.said);
  if (!FINAL_CLOSE_CODES.has(code)) return retryLater(state, reason, now, random);
  if (code !== UNAUTHENTICATED) {
    return stay({ ...state, link: "stopped", liveSince: null, retryAt: null, problem: reason });
  }
  if (state.tokenFrom === "app") return refused(state, now);
  return {
    state: signedOut(state, state.token === null ? null : reason),
    effects: [{ type: "remember", token: null }],
  };
}

/** The daemon wants another token than the app's. Its mode is known by that, whatever it was when it was asked. */
function refused(state: SessionState, now: number): Step {
  if (state.refused !== null && !hasHeld(state, now)) return stay(signedOut(state, TOKEN_REFUSED));
  const config: ServerConfig | null = state.config && { ...state.config, auth: { mode: "token" } };
  const problem = state.token === null ? state.problem : TOKEN_REFUSED;
  return askToken({ ...state, config, refused: state.token, liveSince: null, problem }, now);
}

function hasHeld({ liveSince }: SessionState, now: number): boolean {
  return liveSince !== null && now - liveSince >= STABLE_MS;
}

export function retryLater(state: SessionState, problem: Problem, now: number, random: () => number): Step {
  const [count, refused] = hasHeld(state, now) ? [1, null] : [state.attempt + 1, state.refused];
  const retryAt = now + backoff(count, random);
  return stay({ ...state, link: "waiting", attempt: count, retryAt, problem, liveSince: null, refused });
}

/** Leave the present socket on our own account, then as if it had been lost. */
export function hangUp(state: SessionState, problem: Problem, now: number, random: () => number): Step {
  const step = retryLater(state, problem, now, random);
  return { state: step.state, effects: [{ type: "close" }, ...step.effects] };
}

export function hasSocket({ link }: SessionState): boolean {
  return link === "opening" || link === "greeting" || hasStream({ link });
}

/** Whether the daemon has welcomed this page, so that snapshots and events may come. */
export function hasStream({ link }: Pick<SessionState, "link">): boolean {
  return link === "loading" || link === "catching_up" || link === "live";
}

/** Whether an answer is due, from the daemon or from the app. */
export function awaitsAnswer(state: SessionState): boolean {
  return hasSocket(state) || state.link === "configuring" || state.link === "authorizing";
}
