"use client";

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { decodeFeed } from "../../lib/decode.ts";
import { RequestError, withQuery } from "../../lib/http.ts";
import type { Problem } from "../../lib/problem.ts";
import type { ActivityEvent } from "../../lib/protocol.ts";
import { useMission, usePaced, useSession } from "../../lib/react/index.ts";
import { type Rows, Sieve, type Strip } from "../../lib/strip.ts";
import { type AgentKey, agentKey } from "../../lib/view.ts";
import type { Family } from "./kinds.ts";

const PAGE = 500;
/** More than this is not held for one reader. */
export const MOST_ROWS = 100_000;

export interface FeedRows extends Rows<ActivityEvent> {
  /** How many came since the rows were held; they are shown when they are let go. */
  readonly waiting: number;
  readonly hasOlder: boolean;
  readonly loading: boolean;
  readonly problem: Problem | null;
  readonly loadOlder: () => void;
}

interface Older {
  readonly events: readonly ActivityEvent[];
  /** Where the next page begins; null when there is none, undefined before the first was asked for. */
  readonly before: number | null | undefined;
  readonly loading: boolean;
  readonly problem: Problem | null;
}

const NONE: Older = { events: [], before: undefined, loading: false, problem: null };

/**
 * The activity that a filter admits, newest first. While it is `held` nothing moves: what comes is counted, and older
 * pages may be loaded behind. The stream is untouched by either.
 */
export function useFeed(agent: AgentKey | null, family: Family | null, held: boolean): FeedRows {
  const { request } = useMission();
  const live = usePaced((session) => session.view.feed);
  const epoch = useSession((session) => session.cursor?.epoch ?? "");
  const liveSince = useSession((session) => session.liveSince);
  const sieve = useMemo(
    () =>
      new Sieve<ActivityEvent>(
        (event) =>
          (agent === null || agentKey(event.gateway, event.agent_id ?? "") === agent) &&
          (family === null || family.holds(event.payload.kind)),
      ),
    [agent, family],
  );
  const frozen = useFrozen(live, held, epoch);
  const rows = useMemo(() => sieve.of(frozen), [sieve, frozen]);
  const [older, setOlder] = useState<Older>(NONE);
  const asked = useRef<AbortController | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: older pages belong to one filter, one epoch and one hold
  useEffect(() => {
    setOlder(NONE);
    return () => asked.current?.abort();
  }, [sieve, epoch, held]);

  // What failed because the link was down may be asked again once it is back.
  useEffect(() => {
    if (liveSince !== null) setOlder((state) => (state.problem === null ? state : { ...state, problem: null }));
  }, [liveSince]);

  const oldest = rows.at(rows.length - 1)?.offset ?? frozen.oldest?.offset ?? null;
  const loadOlder = useCallback(() => {
    if (older.loading || older.before === null || older.events.length + rows.length >= MOST_ROWS) return;
    const mine = new AbortController();
    asked.current = mine;
    setOlder((state) => ({ ...state, loading: true, problem: null }));
    const query = {
      ...named(agent),
      kind: family?.query,
      before: older.before ?? oldest,
      limit: PAGE,
    };
    request(withQuery("/v1/feed", query), { signal: mine.signal })
      .then((answer) => {
        const page = decodeFeed(answer);
        if (mine.signal.aborted) return;
        setOlder((state) => ({
          events: [...state.events, ...(page?.epoch === epoch ? page.entries : [])],
          before: page?.next ?? null,
          loading: false,
          problem: null,
        }));
      })
      .catch((error: unknown) => {
        if (mine.signal.aborted || !(error instanceof RequestError)) return;
        setOlder((state) => ({ ...state, loading: false, problem: error.problem }));
      });
  }, [request, agent, family, epoch, oldest, rows.length, older]);

  const waiting = useMemo(() => (held ? countSince(live, frozen.newest, sieve) : 0), [held, live, frozen, sieve]);
  return {
    length: rows.length + older.events.length,
    at: (index) => (index < rows.length ? rows.at(index) : older.events[index - rows.length]),
    waiting,
    hasOlder: older.before !== null,
    loading: older.loading,
    problem: older.problem,
    loadOlder,
  };
}

/** The strip as it was when it began to be held. Another epoch is another journal: that of the one before is gone. */
function useFrozen(live: Strip<ActivityEvent>, held: boolean, epoch: string): Strip<ActivityEvent> {
  const [frozen, setFrozen] = useState<{ readonly strip: Strip<ActivityEvent>; readonly epoch: string } | null>(null);
  const kept = frozen !== null && frozen.epoch === epoch ? frozen : null;
  if (held && kept === null) setFrozen({ strip: live, epoch });
  if (!held && frozen !== null) setFrozen(null);
  return held ? (kept?.strip ?? live) : live;
}

function countSince(
  live: Strip<ActivityEvent>,
  newest: ActivityEvent | undefined,
  sieve: Sieve<ActivityEvent>,
): number {
  let count = 0;
  for (const event of live.backwards()) {
    if ((event.offset ?? 0) <= (newest?.offset ?? 0)) break;
    if (sieve.admits(event)) count += 1;
  }
  return count;
}

function named(agent: AgentKey | null): { agent?: string; gateway?: string } {
  if (agent === null) return {};
  const at = agent.indexOf("/");
  return { gateway: agent.slice(0, at), agent: agent.slice(at + 1) };
}
