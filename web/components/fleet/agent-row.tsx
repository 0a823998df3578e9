"use client";

import Link from "next/link";
import { memo } from "react";
import type { AgentView } from "../../lib/protocol.ts";
import { useMission } from "../../lib/react/index.ts";
import type { AgentKey } from "../../lib/view.ts";
import { hrefTo } from "../hooks/use-query.ts";
import { PinIcon, PinnedIcon } from "../ui/icons.tsx";
import { Sparkline } from "../ui/sparkline.tsx";
import { Status } from "../ui/status.tsx";
import styles from "./fleet.module.css";
import { useWords, type Words } from "./use-row.ts";

interface RowProps {
  readonly agentKey: AgentKey;
  readonly agent: AgentView;
  readonly now: number;
  readonly pinned: boolean;
  readonly onPin: (key: AgentKey) => void;
}

/** An agent in the fleet: its status and why, what it does, when it was last heard, how much it says. */
export const AgentRow = memo(function AgentRow({ agentKey, agent, now, pinned, onPin }: RowProps) {
  return (
    <div className={styles.row}>
      <AgentLink {...useWords(agentKey, agent, now)} />
      <Pace agentKey={agentKey} second={now} />
      <button
        type="button"
        className={styles.pin}
        aria-pressed={pinned}
        aria-label={`Keep ${agent.name} on top`}
        title="Keep on top"
        data-testid="pin"
        onClick={() => onPin(agentKey)}
      >
        {pinned ? <PinnedIcon /> : <PinIcon />}
      </button>
    </div>
  );
});

const AgentLink = memo(function AgentLink(words: Words) {
  const { agentKey, name, status, reason, doing, pace, seen, gateway, stale } = words;
  return (
    <Link
      className={styles.link}
      href={hrefTo("/agents", { id: agentKey })}
      prefetch={false}
      data-line
      data-testid="agent-row"
      data-agent={agentKey}
      data-status={status}
      data-stale={stale}
    >
      <Status status={status} className={styles.status} />
      <span className={styles.who}>
        <span className={styles.name}>{name}</span>
        <span className={styles.gateway}>{gateway}</span>
      </span>
      <span className={styles.what}>
        <span className={styles.doing} data-pace={pace}>
          {doing}
        </span>
        <span className={styles.reason}>{reason}</span>
      </span>
      <span className={styles.seen}>{seen}</span>
    </Link>
  );
});

const NONE: readonly number[] = [];

/** Drawn again with each `second`, and not before: full seconds are counted. */
const Pace = memo(function Pace({ agentKey }: { readonly agentKey: AgentKey; readonly second: number }) {
  const { rates } = useMission();
  const counts = rates.of(agentKey, Date.now()) ?? NONE;
  const perSecond = counts.slice(-10).reduce((sum, count) => sum + count, 0) / 10;
  const words = `${perSecond.toLocaleString(undefined, { maximumFractionDigits: 1 })} events/s`;
  return (
    <span
      className={styles.pace}
      title={`${words} in the last 10 s; the line shows the last minute, since this page was opened`}
    >
      <Sparkline values={counts} label={words} />
      <span className={styles.rate} aria-hidden="true">
        {words}
      </span>
    </span>
  );
});
