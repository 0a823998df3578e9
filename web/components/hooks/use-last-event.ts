"use client";

import type { GatewayView } from "../../lib/protocol.ts";
import { usePaced } from "../../lib/react/index.ts";

/** When a gateway last gave any sign: the newest event of its agents says it sooner than its own state does. */
export function useLastEvent(gateway: GatewayView): number | null {
  return usePaced((session) => {
    let last = gateway.last_event_at ?? 0;
    for (const agent of session.view.agents.values()) {
      if (agent.gateway === gateway.id) last = Math.max(last, agent.last_event_at ?? 0);
    }
    return last === 0 ? null : Math.floor(last / 1_000) * 1_000;
  });
}
