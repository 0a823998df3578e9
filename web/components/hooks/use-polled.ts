"use client";

import { useEffect, useState } from "react";
import { RequestError } from "../../lib/http.ts";
import type { Problem } from "../../lib/problem.ts";
import { useMission, useSession } from "../../lib/react/index.ts";
import { phase } from "../../lib/session-state.ts";

export interface Polled<T> {
  readonly value: T | null;
  /** When it was answered, by this machine's clock. */
  readonly at: number | null;
  readonly problem: Problem | null;
}

/**
 * What the daemon answers about itself, asked again while the view is open and seen. The daemon's own state is no event
 * of the stream: asking costs it next to nothing, and nothing is asked of a gateway.
 */
export function usePolled<T>(path: string, decode: (value: unknown) => T | null, everyMs: number): Polled<T> {
  const { request } = useMission();
  const connected = useSession((session) => phase(session) === "connected");
  const [polled, setPolled] = useState<Polled<T>>({ value: null, at: null, problem: null });
  useEffect(() => {
    if (!connected) return;
    const lifetime = new AbortController();
    const { signal } = lifetime;
    const ask = async (): Promise<void> => {
      if (document.hidden) return;
      try {
        const value = decode(await request(path, { signal }));
        if (!signal.aborted) setPolled({ value, at: Date.now(), problem: null });
      } catch (error) {
        if (signal.aborted || !(error instanceof RequestError)) return;
        setPolled((before) => ({ ...before, problem: error.problem }));
      }
    };
    void ask();
    const timer = setInterval(() => void ask(), everyMs);
    return () => {
      lifetime.abort();
      clearInterval(timer);
    };
  }, [request, path, decode, everyMs, connected]);
  return polled;
}
