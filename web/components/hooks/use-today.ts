"use client";

import { useSyncExternalStore } from "react";

/** How long a machine that slept over midnight may go on with yesterday: a timer stands still meanwhile. */
const LOOK_AGAIN_MS = 60_000;

const waiting = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** When the day of this moment began here, in ms since the epoch. */
export const dayOf = (at: number): number => new Date(at).setHours(0, 0, 0, 0);

const today = (): number => dayOf(Date.now());

function look(): void {
  for (const callback of waiting) callback(); // who has this day already draws nothing
  const midnight = new Date().setHours(24, 0, 0, 0);
  timer = setTimeout(look, Math.min(LOOK_AGAIN_MS, midnight - Date.now()));
}

/** One timer for all who show a time. */
function onNewDay(callback: () => void): () => void {
  waiting.add(callback);
  if (waiting.size === 1) look();
  return () => {
    waiting.delete(callback);
    if (waiting.size === 0) clearTimeout(timer);
  };
}

/** When today began here, in ms since the epoch; renders again when another day has come, and not before. */
export function useToday(): number {
  return useSyncExternalStore(onNewDay, today, () => 0);
}
