"use client";

import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { useStore } from "zustand";
import { type SessionState, serverOffset } from "../lib/session-state.ts";
import { browserRim } from "../lib/socket.ts";
import { type Diagnostics, type MissionControl, missionControl } from "../lib/store.ts";

declare global {
  interface Window {
    __missionControl?: Diagnostics;
  }
}

const Context = createContext<MissionControl | null>(null);

/** Connects while it is mounted; everything below may use the hooks of this file. */
export function MissionControlProvider({ children }: { readonly children: ReactNode }) {
  const [mission] = useState(() => missionControl((happened) => browserRim(window.location.origin, happened)));
  useEffect(() => {
    window.__missionControl = mission.diagnostics;
    return mission.start();
  }, [mission]);
  return <Context value={mission}>{children}</Context>;
}

export function useMission(): MissionControl {
  const mission = useContext(Context);
  if (mission === null) throw new Error("useMission needs a MissionControlProvider above it");
  return mission;
}

/** A part of the session; renders again when that part is another object. */
export function useSession<T>(select: (session: SessionState) => T): T {
  return useStore(useMission().store, select);
}

const TICK_MS = 1_000;

const tickers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** One timer for all who show an age. */
function onTick(callback: () => void): () => void {
  if (tickers.size === 0) timer = setInterval(() => tickers.forEach((tick) => void tick()), TICK_MS);
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
