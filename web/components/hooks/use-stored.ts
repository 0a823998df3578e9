"use client";

import { useCallback, useSyncExternalStore } from "react";
import { storing } from "../../lib/storage.ts";

/* What the reader chose for this browser: the theme, pinned agents. Nothing of it is a secret. */

const browser = storing(() => localStorage);
const changed = new Set<() => void>();

function subscribe(callback: () => void): () => void {
  changed.add(callback);
  window.addEventListener("storage", callback); // from another tab
  return () => {
    changed.delete(callback);
    window.removeEventListener("storage", callback);
  };
}

/** A choice that this browser keeps, as text, and how to change it; null while there is none. */
export function useStored(key: string): readonly [string | null, (value: string | null) => void] {
  const value = useSyncExternalStore(
    subscribe,
    () => browser.get(key),
    () => null,
  );
  const set = useCallback(
    (next: string | null) => {
      browser.set(key, next);
      for (const callback of changed) callback();
    },
    [key],
  );
  return [value, set];
}
