"use client";

import { useMemo, useSyncExternalStore } from "react";
import { Past, type PastState } from "../past.ts";
import { type Item, timeline } from "../timeline.ts";
import { useMission } from "./provider.tsx";

/** One agent's conversation, as far as it was asked for. */
export interface Conversation extends Omit<PastState, "messages" | "activities" | "since"> {
  /** Messages, tool calls and what befell runs, in the order in which they began. */
  readonly items: readonly Item[];
  /** Ask the daemon for what is older. */
  readonly loadOlder: () => Promise<void>;
  /** Let go of what began before a time, in ms: it can be asked for again. */
  readonly release: (at: number) => void;
}

/** An agent's conversation, live, and as far back as it was asked for. */
export function useConversation(gateway: string, agentId: string): Conversation {
  const mission = useMission();
  const past = useMemo(() => new Past(mission, gateway, agentId), [mission, gateway, agentId]);
  const state = useSyncExternalStore(
    past.subscribe,
    () => past.state,
    () => past.state,
  );
  const { messages, activities, since, hasOlder, loading, problem } = state;
  const items = useMemo(() => timeline(messages, activities, since), [messages, activities, since]);
  const loadOlder = useMemo(() => () => past.loadOlder(), [past]);
  const release = useMemo(() => (at: number) => past.release(at), [past]);
  return { items, hasOlder, loading, problem, loadOlder, release };
}
