"use client";

import { useSyncExternalStore } from "react";
import { serverOffset } from "../session-state.ts";
import { useSession } from "./provider.tsx";

const TICK_MS = 1_000;

const tickers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** One timer for all who show an age. */
function onTick(callback: () => void): () => void {
  if (tickers.size === 0) {
    timer = setInterval(() => {
      for (const tick of tickers) tick();
    }, TICK_MS);
  }
  tickers.add(callback);
  return () => {
    tickers.delete(callback);
    if (tickers.size === 0) clearInterval(timer);
  };
}

const thisSecond = (): number => Math.floor(Date.now() / TICK_MS) * TICK_MS;

/** The present second here, in ms since the epoch; renders again every second. */
export function useNow(): number {
  return useSyncExternalStore(onTick, thisSecond, () => 0);
}

/** The present second by the daemon's clock, against which the ages of events are counted. */
export function useServerNow(): number {
  const offset = useSession((session) => Math.round(serverOffset(session) / TICK_MS) * TICK_MS);
  return useNow() + offset;
}
