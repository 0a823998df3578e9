"use client";

import { useSearchParams } from "next/navigation";
import { useCallback } from "react";

/** What of the page's state is in its address, so that a reload or a shared link shows the same. */
export type QueryKey = "agent" | "feed_agent" | "feed_kind";

export type QueryChange = Partial<Record<QueryKey, string | null>>;

export function hrefWith(current: URLSearchParams, change: QueryChange): string {
  const next = new URLSearchParams(current);
  for (const [key, value] of Object.entries(change)) {
    if (value === null) next.delete(key);
    else next.set(key, value);
  }
  const query = next.toString().replaceAll("%2F", "/"); // a query may hold slashes, and reads better with them
  return query === "" ? "/" : `/?${query}`;
}

/** The query, and how to change it: `push` for what the back button should undo, `replace` for the rest. */
export function useQuery() {
  const params = useSearchParams();
  const push = useCallback((change: QueryChange) => {
    window.history.pushState(null, "", hrefWith(new URLSearchParams(window.location.search), change));
  }, []);
  const replace = useCallback((change: QueryChange) => {
    window.history.replaceState(null, "", hrefWith(new URLSearchParams(window.location.search), change));
  }, []);
  return { params, push, replace };
}
