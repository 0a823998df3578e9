"use client";

import { type MouseEvent, memo, useState } from "react";
import { activityOf, ago, count, STATUS_WORDS, span } from "../lib/describe.ts";
import type { AgentStatus, AgentView } from "../lib/protocol.ts";
import type { AgentKey } from "../lib/view.ts";
import styles from "./agents.module.css";
import { cx } from "./cx.ts";
import { StatusMark } from "./marks.tsx";
import { useServerNow, useSession } from "./mission-control.tsx";
import { Empty, Panel, Skeleton } from "./panel.tsx";
import { hrefWith, useQuery } from "./use-query.ts";

/** A fleet smaller than this is seen at a glance; only larger ones get a search field. */
const SEARCH_FROM = 9;

export function Agents({
  selected,
  className,
}: {
  readonly selected: AgentKey | null;
  readonly className?: string | undefined;
}) {
  const loaded = useSession((session) => session.loaded);
  const agents = useSession((session) => session.view.agents);
  const now = useServerNow();
  const several = useSession((session) => session.view.gateways.size > 1);
  const [search, setSearch] = useState("");
  const found = [...agents].filter(([, agent]) => matches(agent, search)).sort(byName);
  return (
    <Panel
      id="agents"
      title="Agents"
      className={className}
      aside={
        loaded && (
          <span className={styles.count}>
            {found.length === agents.size ? agents.size : `${found.length} of ${agents.size}`}
          </span>
        )
      }
    >
      {agents.size >= SEARCH_FROM && (
        <input
          className={styles.search}
          type="search"
          placeholder="Find an agent"
          aria-label="Find an agent"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      )}
      {!loaded && <Skeleton label="Loading agents" rows={5} />}
      {loaded && agents.size === 0 && (
        <Empty title="No agents yet">They appear here as soon as a gateway names them or they first speak.</Empty>
      )}
      {agents.size > 0 && found.length === 0 && (
        <Empty title="No agent matches">
          <button type="button" onClick={() => setSearch("")}>
            Clear the search
          </button>
        </Empty>
      )}
      <ul className={styles.list}>
        {found.map(([key, agent]) => (
          <Row key={key} agentKey={key} agent={agent} selected={key === selected} showGateway={several} now={now} />
        ))}
      </ul>
    </Panel>
  );
}

function matches(agent: AgentView, search: string): boolean {
  const words = `${agent.name} ${agent.id} ${agent.gateway} ${agent.status}`.toLowerCase();
  return words.includes(search.trim().toLowerCase());
}

const { compare } = new Intl.Collator();

/** By name, which never changes under the reader's hand. */
function byName([a, x]: [AgentKey, AgentView], [b, y]: [AgentKey, AgentView]): number {
  return compare(x.name, y.name) || compare(a, b);
}

interface RowProps {
  readonly agentKey: AgentKey;
  readonly agent: AgentView;
  readonly selected: boolean;
  readonly showGateway: boolean;
  /** The present second by the daemon's clock. */
  readonly now: number;
}

/** Turns the agent into plain words, so that the line is drawn again only when a word changes. */
function Row({ agentKey, agent, selected, showGateway, now }: RowProps) {
  const newest = useSession((session) => session.view.conversations.get(agentKey)?.at(-1));
  const link = useSession((session) => session.view.gateways.get(agent.gateway)?.state ?? "connected");
  const doing = activityOf(agent.run, newest);
  const lasted = doing === null || doing.since === null ? 0 : now - doing.since;
  return (
    <Line
      agentKey={agentKey}
      name={agent.name}
      status={agent.status}
      reason={agent.reason}
      doing={doing === null ? "Idle" : lasted < 1_000 ? doing.words : `${doing.words} for ${span(lasted)}`}
      pace={doing === null ? "idle" : doing.stalled ? "stalled" : "busy"}
      seen={agent.last_event_at === null ? "no event yet" : ago(now - agent.last_event_at)}
      gateway={showGateway ? agent.gateway : ""}
      stale={link !== "connected"}
      selected={selected}
    />
  );
}

interface LineProps {
  readonly agentKey: AgentKey;
  readonly name: string;
  readonly status: AgentStatus;
  readonly reason: string;
  readonly doing: string;
  readonly pace: "idle" | "busy" | "stalled";
  readonly seen: string;
  readonly gateway: string;
  /** Whether its gateway's link is down, so that all this is old. */
  readonly stale: boolean;
  readonly selected: boolean;
}

const Line = memo(function Line(props: LineProps) {
  const { agentKey, name, status, reason, doing, pace, seen, gateway, stale, selected } = props;
  const { params, push } = useQuery();
  const select = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    push({ agent: agentKey });
  };
  return (
    <li>
      <a
        className={cx(styles.row, selected && styles.selected)}
        href={hrefWith(new URLSearchParams(params), { agent: agentKey })}
        aria-current={selected ? "true" : undefined}
        data-testid="agent-row"
        data-agent={agentKey}
        data-status={status}
        data-stale={stale}
        onClick={select}
      >
        <span className={styles.line}>
          <span className={styles.name}>{name}</span>
          <span className={styles.seen}>{seen}</span>
        </span>
        <span className={styles.line}>
          <span className={styles.status} data-status={status}>
            <StatusMark status={status} />
            {STATUS_WORDS[status]}
          </span>
          <span className={styles.doing} data-pace={pace}>
            {doing}
          </span>
        </span>
        <span className={styles.reason}>{gateway === "" ? reason : `${gateway}: ${reason}`}</span>
      </a>
    </li>
  );
});

/** For the header of the conversation: the same words about one agent. */
export function AgentSummary({ agent, agentKey }: { readonly agent: AgentView; readonly agentKey: AgentKey }) {
  const messages = useSession((session) => session.view.conversations.get(agentKey)?.length ?? 0);
  return (
    <span className={styles.summary}>
      <span className={styles.status} data-status={agent.status}>
        <StatusMark status={agent.status} />
        {STATUS_WORDS[agent.status]}
      </span>
      <span>{count(messages, "message")}</span>
    </span>
  );
}
