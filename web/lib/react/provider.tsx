"use client";

import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import type { ClientName } from "../protocol.ts";
import type { SessionState } from "../session-state.ts";
import { type BrowserOptions, browserRim } from "../socket.ts";
import { type MissionControl, missionControl } from "../store.ts";
import { presentToken, type TokenSource } from "../token.ts";

const Context = createContext<MissionControl | null>(null);

/** Which daemon, and by whose leave. */
export interface ProviderProps {
  /** Where the daemon is, such as `https://control.example:8700`; without it, where the page comes from. */
  readonly origin?: string | undefined;
  /**
   * The app's token for the daemon, or a function that gives it and is asked anew before each connection and request.
   * The newest one counts, and need not be the same object each time; nothing of it is stored. Without it the token is
   * the operator's, whom the page has to ask for it: see `MissionControl.signIn`.
   */
  readonly token?: TokenSource | undefined;
  /** How the page names itself to the daemon when it connects; this library's name, unless said otherwise. */
  readonly client?: ClientName | undefined;
  readonly children?: ReactNode;
}

/**
 * Connects while it is mounted; everything below may use the hooks. Another origin is another connection, which begins
 * anew. On a server it renders what is below it with a session that has not begun.
 */
export function MissionControlProvider({ origin, token, client, children }: ProviderProps) {
  const newest = useRef({ token, client });
  const options = useRef<BrowserOptions>({});
  const [mission] = useState(() => missionControl((happened) => browserRim(options.current)(happened)));
  const fromApp = token !== undefined;
  useEffect(() => {
    newest.current = { token, client };
  }, [token, client]);
  useEffect(() => {
    if (typeof token === "string") mission.retry(); // it may be waiting for just that
  }, [mission, token]);
  useEffect(() => {
    const ask = (): Promise<string | null> => presentToken(newest.current.token);
    options.current = { origin, token: fromApp ? ask : undefined, client: newest.current.client };
    return mission.start();
  }, [mission, origin, fromApp]);
  return <Context value={mission}>{children}</Context>;
}

/** The connection itself: to try again, to sign in, to ask for more. Throws outside of a MissionControlProvider. */
export function useMission(): MissionControl {
  const mission = useContext(Context);
  if (mission === null) throw new Error("useMission needs a MissionControlProvider above it");
  return mission;
}

/**
 * A part of the session; renders again when that part is another object. So `select` must give what the session has,
 * such as `session.view.agents`, and make nothing new: that would be another object each time, without end.
 */
export function useSession<T>(select: (session: SessionState) => T): T {
  return useStore(useMission().store, select);
}
