"use client";

import { useLayoutEffect, useMemo, useSyncExternalStore } from "react";
import { useMission } from "../../lib/react/index.ts";
import { usePacedStore } from "../../lib/react/pace.ts";
import type { AgentKey } from "../../lib/view.ts";
import { Feed, type FeedState } from "./feed.ts";
import type { Family } from "./kinds.ts";

export interface FeedRows extends FeedState {
  readonly loadOlder: () => void;
}

/** The activity that a filter admits; while it is `held`, nothing of it moves. */
export function useFeed(agent: AgentKey | null, family: Family | null, held: boolean): FeedRows {
  const { request } = useMission();
  const store = usePacedStore();
  const feed = useMemo(() => new Feed(request, store, agent, family), [request, store, agent, family]);
  const state = useSyncExternalStore(
    feed.subscribe,
    () => feed.state,
    () => feed.state,
  );
  useLayoutEffect(() => feed.hold(held), [feed, held]);
  return { ...state, loadOlder: feed.loadOlder };
}
