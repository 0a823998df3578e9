"use client";

import Link from "next/link";
import { memo } from "react";
import { span } from "../../lib/describe.ts";
import type { ActivityEvent } from "../../lib/protocol.ts";
import { usePaced } from "../../lib/react/index.ts";
import { agentKey } from "../../lib/view.ts";
import { hrefTo } from "../hooks/use-query.ts";
import { KindIcon } from "../ui/icons.tsx";
import { Json } from "../ui/json.tsx";
import { Time } from "../ui/time.tsx";
import styles from "./activity.module.css";
import { toneOf } from "./kinds.ts";

interface RowProps {
  readonly event: ActivityEvent;
  readonly open: boolean;
  readonly onToggle: (id: string) => void;
}

/** One thing that happened: when, whose, what; its details on request. */
export const ActivityRow = memo(function ActivityRow({ event, open, onToggle }: RowProps) {
  const key = agentKey(event.gateway, event.agent_id ?? "");
  const name = usePaced((session) => session.view.agents.get(key)?.name ?? event.agent_id ?? "");
  const { kind, title } = event.payload;
  return (
    <article
      className={styles.row}
      data-testid="feed-row"
      data-kind={kind}
      data-agent={key}
      data-offset={event.offset ?? undefined}
    >
      <button
        type="button"
        className={styles.line}
        data-line
        aria-expanded={open}
        onClick={() => onToggle(event.event_id)}
      >
        <span className={styles.icon} data-tone={toneOf(kind)}>
          <KindIcon kind={kind} />
        </span>
        <span className={styles.title}>{title}</span>
        <span className={styles.meta}>
          <span className={styles.agent}>{name}</span>
          <span>{kind}</span>
          <Time at={event.timestamp} />
        </span>
      </button>
      {open && <Details event={event} agent={key} />}
    </article>
  );
});

function Details({ event, agent }: { readonly event: ActivityEvent; readonly agent: string }) {
  const { run_id, session, tool, duration_ms, detail } = event.payload;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["Agent", agent],
    ["Session", session],
    ["Run", run_id],
    ["Tool", tool],
    ["Took", duration_ms === undefined ? undefined : duration_ms < 1_000 ? `${duration_ms} ms` : span(duration_ms)],
    ["Offset", event.offset?.toString()],
  ];
  return (
    <div className={styles.details}>
      <dl className={styles.facts}>
        {facts.map(
          ([name, value]) =>
            value !== undefined &&
            value !== "" && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
      {detail !== undefined && <Json value={detail} />}
      <Link
        className={styles.jump}
        href={hrefTo("/agents", { id: agent, at: String(event.timestamp) })}
        prefetch={false}
        data-testid="feed-jump"
      >
        Show in the conversation
      </Link>
    </div>
  );
}
