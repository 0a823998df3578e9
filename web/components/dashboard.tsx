"use client";

import { useEffect } from "react";
import { phase } from "../lib/session-state.ts";
import type { AgentKey, View } from "../lib/view.ts";
import { Agents } from "./agents.tsx";
import { Banners, Irregularities } from "./banners.tsx";
import { Conversation } from "./conversation.tsx";
import { Feed } from "./feed.tsx";
import { Header } from "./header.tsx";
import { useSession } from "./mission-control.tsx";
import styles from "./shell.module.css";
import { SignIn } from "./sign-in.tsx";
import { useQuery } from "./use-query.ts";

export function Dashboard() {
  const selected = useSelectedAgent();
  const signedOut = useSession((session) => session.link === "signed_out");
  const stale = useSession((session) => session.loaded && phase(session) !== "connected");
  return (
    <div className={styles.page}>
      <Header />
      {signedOut ? (
        <SignIn />
      ) : (
        <>
          <Banners />
          <main className={styles.panels} data-stale={stale}>
            <Agents selected={selected} className={styles.agents} />
            <Conversation agentKey={selected} className={styles.conversation} />
            <Feed className={styles.feed} />
          </main>
          <Irregularities />
        </>
      )}
    </div>
  );
}

/** The agent in the page's address; at first the most recently active one, which is then put there and stays. */
function useSelectedAgent(): AgentKey | null {
  const { params, replace } = useQuery();
  const named = params.get("agent");
  const suggested = useSession((session) => (named === null ? mostActive(session.view) : null));
  useEffect(() => {
    if (named === null && suggested !== null) replace({ agent: suggested });
  }, [named, suggested, replace]);
  return named ?? suggested;
}

function mostActive(view: View): AgentKey | null {
  let best: AgentKey | null = null;
  let at = -1;
  for (const [key, agent] of view.agents) {
    const last = agent.last_event_at ?? 0;
    if (last > at) [best, at] = [key, last];
  }
  return best;
}
