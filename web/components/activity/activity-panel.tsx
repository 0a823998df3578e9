"use client";

import Link from "next/link";
import type { AgentKey } from "../../lib/view.ts";
import { hrefTo } from "../hooks/use-query.ts";
import { Panel } from "../ui/panel.tsx";
import styles from "./activity.module.css";
import { ActivityList } from "./activity-list.tsx";
import type { Family } from "./kinds.ts";

interface PanelProps {
  readonly agent: AgentKey | null;
  readonly family: Family | null;
  readonly className?: string | undefined;
}

/** The newest activity beside another view. */
export function ActivityPanel({ agent, family, className }: PanelProps) {
  return (
    <Panel
      id="feed"
      title="Activity"
      className={className}
      aside={
        <Link className={styles.all} href={hrefTo("/activity", { agent, kind: family?.id ?? null })} prefetch={false}>
          All activity
        </Link>
      }
    >
      <ActivityList agent={agent} family={family} labelledBy="feed" />
    </Panel>
  );
}
