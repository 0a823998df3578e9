"use client";

import { type RefObject, useEffect } from "react";
import type { Item } from "../../lib/timeline.ts";

/** When there are more items than this, all but the newest of them go. */
const MOST_ITEMS = 600;
const KEPT_ITEMS = 300;

/**
 * Of a conversation that goes on for hours, a reader at its end keeps the newest items. `following`: whether the reader
 * is there, as of now; `seeking`: something older is being looked for.
 */
export function useBounds(
  items: readonly Item[],
  following: RefObject<boolean>,
  seeking: boolean,
  release: (at: number) => void,
): void {
  useEffect(() => {
    if (seeking || !following.current || items.length <= MOST_ITEMS) return;
    const first = items.at(-KEPT_ITEMS);
    if (first !== undefined) release(first.at);
  }, [items, following, seeking, release]);
}
