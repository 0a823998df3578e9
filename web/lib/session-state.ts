/** The states, inputs and effects of the session's state machine (`session.ts`). */

import { type Clock, clockOffset, UNSYNCED } from "./clock.ts";
import type { Problem } from "./problem.ts";
import type {
  ClientFrame,
  ClientName,
  Cursor,
  LinkState,
  NoticeFrame,
  Percentiles,
  ServerConfig,
  Source,
} from "./protocol.ts";
import { VERSION } from "./version.ts";
import { type AgentKey, EMPTY_VIEW, type View } from "./view.ts";

export const DEFAULT_PING_INTERVAL_MS = 10_000;

/** Who gives the token: the operator, by signing in, or the app that the page belongs to, whenever it is asked. */
export type TokenGiver = "operator" | "app";

/** Where the link to the daemon stands; `session.ts` draws the ways between them. */
export type Link =
  | "idle"
  | "configuring"
  | "authorizing"
  | "opening"
  | "greeting"
  | "loading"
  | "catching_up"
  | "live"
  | "waiting"
  | "signed_out"
  | "stopped";

/** Everything that is known of one subscription. Immutable: what did not change is the same object in the next state. */
export interface SessionState {
  readonly link: Link;
  /** Failed attempts since the link last held. */
  readonly attempt: number;
  /** When the next attempt starts, while waiting. */
  readonly retryAt: number | null;
  /** Why the page is not connected. */
  readonly problem: Problem | null;
  /** What the daemon said about the present connection before closing it. */
  readonly said: Problem | null;
  readonly config: ServerConfig | null;
  readonly client: ClientName;
  readonly tokenFrom: TokenGiver;
  /** The operator's token, or the one that the app gave for the present connection. */
  readonly token: string | null;
  /** The app's token that the daemon refused last; it is not tried a second time. */
  readonly refused: string | null;
  readonly source: Source | null;
  readonly cursor: Cursor | null;
  readonly view: View;
  /** Whether `view` ever held a complete state. */
  readonly loaded: boolean;
  readonly notices: readonly NoticeFrame[];
  readonly duplicates: number;
  readonly gaps: number;
  readonly malformed: number;
  /** How many snapshots were loaded: after each, what came between the last event and it is not in `view`. */
  readonly snapshots: number;
  readonly reported: { readonly duplicates: number; readonly gaps: number };
  readonly clock: Clock;
  /** When the last frame arrived, or the present attempt began. */
  readonly heardAt: number;
  /** Until when an answer must come, after something that may have cut the connection unnoticed. */
  readonly doubtedUntil: number | null;
  /** When `view` was last known to be current: the data's age counts from here. */
  readonly freshAt: number | null;
  readonly liveSince: number | null;
  /** The journal's newest offset at the welcome: before it is reached, what is shown is not current. */
  readonly head: number;
  /** The daemon's time at the welcome: older events are replayed, and say nothing about latency. */
  readonly welcomedAt: number;
  readonly pingIntervalMs: number;
  readonly pingAt: number;
  readonly reportAt: number;
  readonly wakeAt: number | null;
}

/** A session that has not begun; `reduce` starts from it. */
export const INITIAL: SessionState = {
  link: "idle",
  attempt: 0,
  retryAt: null,
  problem: null,
  said: null,
  config: null,
  client: { name: "mission-control-client", version: VERSION },
  tokenFrom: "operator",
  token: null,
  refused: null,
  source: null,
  cursor: null,
  view: EMPTY_VIEW,
  loaded: false,
  notices: [],
  duplicates: 0,
  gaps: 0,
  malformed: 0,
  snapshots: 0,
  reported: { duplicates: 0, gaps: 0 },
  clock: UNSYNCED,
  heardAt: 0,
  doubtedUntil: null,
  freshAt: null,
  liveSince: null,
  head: 0,
  welcomedAt: 0,
  pingIntervalMs: DEFAULT_PING_INTERVAL_MS,
  pingAt: 0,
  reportAt: 0,
  wakeAt: null,
};

/** How to begin: `token` is the operator's that was kept. */
export interface Start {
  readonly token: string | null;
  /** The operator, unless said otherwise. */
  readonly tokenFrom?: TokenGiver;
  /** This library, unless said otherwise. */
  readonly client?: ClientName | undefined;
}

/** What happened, and when (`now`, ms since the epoch). */
export type Input = {
  readonly now: number;
} & (
  | ({ readonly type: "start" } & Start)
  | { readonly type: "configured"; readonly config: ServerConfig }
  | { readonly type: "config_failed" }
  /** The app's answer to `ask_token`; null when nobody is signed in there. */
  | { readonly type: "token_given"; readonly token: string | null }
  | { readonly type: "token_failed"; readonly why: string }
  | { readonly type: "opened" }
  | { readonly type: "closed"; readonly code: number }
  | { readonly type: "frame"; readonly text: string }
  | { readonly type: "tick" }
  | { readonly type: "retry" }
  /** The machine slept, or its network changed: the connection may be gone without a word. */
  | { readonly type: "doubt" }
  | { readonly type: "sign_in"; readonly token: string }
  | { readonly type: "measured"; readonly render: Percentiles }
  | { readonly type: "dismiss"; readonly code: string }
);

/** What is to be done. `applied` and `measure` are for who counts and paints, the others touch the outside world. */
export type Effect =
  | { readonly type: "configure" }
  /** Ask the app for a token; `token_given` or `token_failed` answers. */
  | { readonly type: "ask_token" }
  | { readonly type: "connect" }
  | { readonly type: "send"; readonly frame: ClientFrame }
  | { readonly type: "close" }
  /** Give a `tick` at `at`; replaces the wake-up asked for before. */
  | { readonly type: "wake"; readonly at: number | null }
  /** Keep the operator's token for this tab, or forget it. The app's is never kept. */
  | { readonly type: "remember"; readonly token: string | null }
  /**
   * Events came. Of those since the welcome: how many of each agent, and the emission times (the daemon's clock) to
   * measure once they are painted. What was replayed counts in neither, and all of them may have been.
   */
  | {
      readonly type: "applied";
      readonly emitted: readonly number[];
      readonly events: ReadonlyMap<AgentKey, number>;
    }
  /** Give a `measured` with what was measured since the last one. */
  | { readonly type: "measure" };

/** The next state, and what is to be done. */
export interface Step {
  readonly state: SessionState;
  readonly effects: readonly Effect[];
}

/** What the badge says about the link between this page and the daemon. `connected`: what is shown is current. */
export function phase(state: SessionState): LinkState {
  if (state.link === "live") return "connected";
  if (state.link === "stopped" || state.link === "signed_out") return "disconnected";
  return state.attempt > 0 || state.loaded ? "reconnecting" : "connecting";
}

/** What to add to a time read here to get the daemon's, in ms. */
export const serverOffset = (state: SessionState): number => clockOffset(state.clock);
