"use client";

import { memo } from "react";
import type { ActivityEvent } from "../lib/protocol.ts";
import { agentKey } from "../lib/view.ts";
import styles from "./feed.module.css";
import { KindIcon } from "./icons.tsx";
import { useSession } from "./mission-control.tsx";
import { Empty, Panel, Skeleton } from "./panel.tsx";
import { Time } from "./time.tsx";
import { useQuery } from "./use-query.ts";

const SHOWN = 200;

/** The kinds that an operator would filter by: the families of the dotted names, and trouble across them. */
const FAMILIES: readonly { readonly id: string; readonly label: string; readonly holds: (kind: string) => boolean }[] =
  [
    { id: "run", label: "Runs", holds: (kind) => kind.startsWith("run.") },
    { id: "tool", label: "Tools", holds: (kind) => kind.startsWith("tool.") },
    { id: "agent", label: "Agents", holds: (kind) => kind.startsWith("agent.") },
    { id: "stream", label: "Stream", holds: (kind) => kind.startsWith("stream.") },
    { id: "trouble", label: "Trouble", holds: (kind) => TROUBLE.has(kind) },
  ];

const TROUBLE: ReadonlySet<string> = new Set(["run.failed", "run.aborted", "run.stalled", "tool.failed", "stream.gap"]);

const DONE: ReadonlySet<string> = new Set(["run.finished", "run.resumed", "tool.finished", "stream.repaired"]);

function tone(kind: string): string {
  if (kind.endsWith(".failed")) return "bad";
  if (TROUBLE.has(kind)) return "warn";
  return DONE.has(kind) ? "good" : "plain";
}

/** What happens, newest on top. Filtering only hides lines: the stream is untouched by it. */
export function Feed({ className }: { readonly className?: string | undefined }) {
  const loaded = useSession((session) => session.loaded);
  const feed = useSession((session) => session.view.feed);
  const agents = useSession((session) => session.view.agents);
  const { params, replace } = useQuery();
  const onlyAgent = params.get("feed_agent");
  const family = FAMILIES.find((candidate) => candidate.id === params.get("feed_kind"));
  const admitted = feed.filter(
    (event) =>
      (onlyAgent === null || agentKey(event.gateway, event.agent_id ?? "") === onlyAgent) &&
      (family === undefined || family.holds(event.payload.kind)),
  );
  return (
    <Panel id="feed" title="Activity" className={className}>
      <div className={styles.filters}>
        <select
          aria-label="Show the activity of"
          value={onlyAgent ?? ""}
          onChange={(event) => replace({ feed_agent: event.target.value || null })}
        >
          <option value="">All agents</option>
          {onlyAgent !== null && !agents.has(onlyAgent) && <option value={onlyAgent}>{onlyAgent}</option>}
          {[...agents].map(([key, agent]) => (
            <option key={key} value={key}>
              {agent.name}
            </option>
          ))}
        </select>
        <select
          aria-label="Show activity of the type"
          value={family?.id ?? ""}
          onChange={(event) => replace({ feed_kind: event.target.value || null })}
        >
          <option value="">All types</option>
          {FAMILIES.map(({ id, label }) => (
            <option key={id} value={id}>
              {label}
            </option>
          ))}
        </select>
      </div>
      {!loaded && <Skeleton label="Loading activity" rows={5} />}
      {loaded && feed.length === 0 && (
        <Empty title="Nothing has happened yet">Runs, tools and failures appear here.</Empty>
      )}
      {feed.length > 0 && admitted.length === 0 && (
        <Empty title="Nothing matches the filter">
          <button type="button" onClick={() => replace({ feed_agent: null, feed_kind: null })}>
            Clear the filter
          </button>
        </Empty>
      )}
      <ol
        className={styles.rows}
        aria-labelledby="feed"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
      >
        {admitted
          .slice(-SHOWN)
          .reverse()
          .map((event) => (
            <FeedRow
              key={event.event_id}
              event={event}
              name={agents.get(agentKey(event.gateway, event.agent_id ?? ""))?.name ?? event.agent_id ?? ""}
            />
          ))}
      </ol>
    </Panel>
  );
}

const FeedRow = memo(function FeedRow({ event, name }: { readonly event: ActivityEvent; readonly name: string }) {
  const { kind, title } = event.payload;
  return (
    <li
      className={styles.row}
      data-testid="feed-row"
      data-kind={kind}
      data-agent={agentKey(event.gateway, event.agent_id ?? "")}
      data-offset={event.offset ?? undefined}
    >
      <span className={styles.icon} data-tone={tone(kind)}>
        <KindIcon kind={kind} />
      </span>
      <span className={styles.title}>{title}</span>
      <span className={styles.meta}>
        <span className={styles.agent}>{name}</span>
        <span>{kind}</span>
        <Time at={event.timestamp} />
      </span>
    </li>
  );
});
