import type { SessionState } from "../../lib/session-state.ts";

/** The screen that stands in the place of all views: to sign in, or because the daemon does not take this page. */
export type Gate = "sign_in" | "refused" | null;

/**
 * Which screen it is now. It stays while an attempt is on its way, with what was typed and with the focus, and goes only
 * once the page is live: so an attempt that fails is told where it was made. A page that shows something keeps it when
 * the daemon stops it, and a banner says so.
 */
export function gateOf(before: Gate, { link, loaded }: Pick<SessionState, "link" | "loaded">): Gate {
  if (link === "live") return null;
  if (link === "signed_out") return "sign_in";
  if (link === "stopped") return loaded && before === null ? null : "refused";
  return before;
}
