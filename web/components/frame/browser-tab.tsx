"use client";

import { usePathname } from "next/navigation";
import { useEffect } from "react";
import { LINK_WORDS } from "../../lib/describe.ts";
import { overall } from "../../lib/overall.ts";
import { usePaced, useSession } from "../../lib/react/index.ts";
import { phase, type SessionState } from "../../lib/session-state.ts";
import { VIEWS } from "./navigation.tsx";

const PRODUCT = "Mission Control";

/** What a tab that is not looked at must tell: `bad` for no connection, `warn` for agents in trouble. */
type Alarm = "good" | "warn" | "bad";

const state = (session: SessionState) => overall(session).state;
/** The very first attempt, of which nothing is wrong so far. */
const opening = (session: SessionState) => phase(session) === "connecting" && session.problem === null;

function degraded({ view }: SessionState): number {
  let sum = 0;
  for (const agent of view.agents.values()) if (agent.status === "degraded") sum += 1;
  return sum;
}

/** The tab's title and icon show trouble, so that it is seen from another tab. */
export function BrowserTab() {
  const path = usePathname();
  const link = useSession(state);
  const troubled = usePaced(degraded);
  const lost = !useSession(opening) && link !== "connected";
  const alarm: Alarm = lost ? "bad" : troubled > 0 ? "warn" : "good";
  const view = VIEWS.find(({ href }) => href === path)?.label;
  const what = lost ? LINK_WORDS[link] : troubled > 0 ? `${troubled} degraded` : null;
  const name = view === undefined || path === "/" ? PRODUCT : `${view} – ${PRODUCT}`;
  useEffect(() => {
    const links = [...document.head.querySelectorAll<HTMLLinkElement>('link[rel="icon"]')];
    const icon = links[0] ?? document.head.appendChild(Object.assign(document.createElement("link"), { rel: "icon" }));
    icon.type = "image/svg+xml";
    icon.href = `data:image/svg+xml,${encodeURIComponent(drawn(alarm))}`;
  }, [alarm]);
  return <title>{what === null ? name : `● ${what} – ${name}`}</title>;
}

/* Colours for the browser's own surface, where the page's tokens do not reach. */
const COLOURS: Readonly<Record<Alarm, string>> = { good: "#58cc8f", warn: "#f0b656", bad: "#ff6b6b" };

function drawn(alarm: Alarm): string {
  const radius = alarm === "good" ? 3 : 7;
  const at = alarm === "good" ? [23.4, 9.6] : [23, 23];
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1d2f66"/>',
    '<circle cx="16" cy="16" r="9.5" fill="none" stroke="#8aabff" stroke-width="2.2"/>',
    '<circle cx="16" cy="16" r="4" fill="#fff"/>',
    `<circle cx="${at[0]}" cy="${at[1]}" r="${radius}" fill="${COLOURS[alarm]}" stroke="#1d2f66" stroke-width="1.5"/></svg>`,
  ].join("");
}
