/** One answer to "is what I see current?": the worse of the page's link and the gateways' links. */

import type { GatewayView, LinkState } from "./protocol.ts";
import { phase, type SessionState } from "./session-state.ts";

/** Whether what is shown is current, and which link is to blame if it is not. */
export interface Overall {
  readonly state: LinkState;
  /** The gateway whose link is the worse one; null when it is the page's own link. */
  readonly gateway: GatewayView | null;
}

const SEVERITY: Readonly<Record<LinkState, number>> = { connected: 0, connecting: 1, reconnecting: 2, disconnected: 3 };

/** While the page itself has no link, what it knows of the gateways is old: then only its own link counts. */
export function overall(session: SessionState): Overall {
  const own = phase(session);
  if (own !== "connected") return { state: own, gateway: null };
  const worst = [...session.view.gateways.values()].reduce<GatewayView | null>(worse, null);
  return { state: worst?.state ?? "connected", gateway: worst };
}

function worse(a: GatewayView | null, b: GatewayView): GatewayView | null {
  return SEVERITY[b.state] > SEVERITY[a?.state ?? "connected"] ? b : a;
}
