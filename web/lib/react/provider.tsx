"use client";

import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { useStore } from "zustand";
import type { SessionState } from "../session-state.ts";
import { browserRim } from "../socket.ts";
import { type Diagnostics, type MissionControl, missionControl } from "../store.ts";

declare global {
  interface Window {
    __missionControl?: Diagnostics;
  }
}

const Context = createContext<MissionControl | null>(null);

interface ProviderProps {
  /** Where the daemon is, such as `https://control.example:8700`; without it, where the page comes from. */
  readonly origin?: string;
  readonly children: ReactNode;
}

/** Connects while it is mounted; everything below may use the hooks of this folder. */
export function MissionControlProvider({ origin, children }: ProviderProps) {
  const [mission] = useState(() =>
    missionControl((happened) => browserRim(origin ?? window.location.origin, happened)),
  );
  useEffect(() => {
    window.__missionControl = mission.diagnostics;
    return mission.start();
  }, [mission]);
  return <Context value={mission}>{children}</Context>;
}

/** The connection itself: to try again, to sign in, to ask for more. */
export function useMission(): MissionControl {
  const mission = useContext(Context);
  if (mission === null) throw new Error("useMission needs a MissionControlProvider above it");
  return mission;
}

/** A part of the session; renders again when that part is another object. */
export function useSession<T>(select: (session: SessionState) => T): T {
  return useStore(useMission().store, select);
}
