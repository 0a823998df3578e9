"use client";

import { useEffect } from "react";
import { useSession } from "../../lib/react/index.ts";
import type { AgentKey, View } from "../../lib/view.ts";
import { ActivityPanel } from "../activity/activity-panel.tsx";
import { useQuery } from "../hooks/use-query.ts";
import { AgentList } from "./agent-list.tsx";
import { Conversation } from "./conversation.tsx";
import styles from "./workspace.module.css";

/** One agent: who else there is, what it says as it says it, and what happens beside. */
export function Workspace() {
  const selected = useSelectedAgent();
  return (
    <div className={styles.view}>
      <AgentList selected={selected} className={styles.agents} />
      <Conversation agentKey={selected} className={styles.conversation} />
      <ActivityPanel agent={null} family={null} className={styles.activity} />
    </div>
  );
}

/** The agent in the page's address; at first the most recently active one, which is then put there and stays. */
function useSelectedAgent(): AgentKey | null {
  const { params, replace } = useQuery();
  const named = params.get("id");
  const suggested = useSession((session) => (named === null ? mostActive(session.view) : null));
  useEffect(() => {
    if (named === null && suggested !== null) replace({ id: suggested });
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
