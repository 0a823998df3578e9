"use client";

import { useEffect, useState } from "react";
import { useMission, useSession } from "../../lib/react/index.ts";
import { phase } from "../../lib/session-state.ts";
import { cutOff, type Polled, poll, UNASKED } from "./polling.ts";

/**
 * What the daemon answers about itself, asked again while the view is open and seen. The daemon's own state is no event
 * of the stream: asking costs it next to nothing, and nothing is asked of a gateway.
 */
export function usePolled<T>(path: string, decode: (value: unknown) => T | null, everyMs: number): Polled<T> {
  const { request } = useMission();
  const connected = useSession((session) => phase(session) === "connected");
  const [polled, setPolled] = useState<Polled<T>>(UNASKED);
  useEffect(() => {
    if (!connected) {
      setPolled(cutOff);
      return;
    }
    const ask = (signal: AbortSignal): Promise<unknown> => request(path, { signal });
    return poll({ ask, decode, everyMs, seen: () => !document.hidden, update: setPolled });
  }, [request, path, decode, everyMs, connected]);
  return polled;
}
