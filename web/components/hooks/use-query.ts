"use client";

import { useSearchParams } from "next/navigation";
import { useCallback } from "react";

/** What of a view's state is in its address, so that a reload or a shared link shows the same. */
export type QueryKey =
  | "id" // an agent: `gateway/id`
  | "message" // one of its messages, by id
  | "at" // a time in its conversation, in ms
  | "agent" // whose activity
  | "kind" // which activity
  | "q" // the fleet: a search
  | "status"
  | "gateway"
  | "sort"
  | "wall";

export type QueryChange = Partial<Record<QueryKey, string | null>>;

/** An address of this page. */
export function hrefTo(path: string, query: QueryChange, current?: URLSearchParams): string {
  const next = new URLSearchParams(current);
  for (const [key, value] of Object.entries(query)) {
    if (value === null) next.delete(key);
    else next.set(key, value);
  }
  const text = next.toString().replaceAll("%2F", "/").replaceAll("%3A", ":"); // a query may hold these, and reads better
  return text === "" ? path : `${path}?${text}`;
}

const here = (change: QueryChange): string =>
  hrefTo(window.location.pathname, change, new URLSearchParams(window.location.search));

/** The query, and how to change it: `push` for what the back button should undo, `replace` for the rest. */
export function useQuery() {
  const params = useSearchParams();
  const push = useCallback((change: QueryChange) => window.history.pushState(null, "", here(change)), []);
  const replace = useCallback((change: QueryChange) => window.history.replaceState(null, "", here(change)), []);
  return { params, push, replace };
}
