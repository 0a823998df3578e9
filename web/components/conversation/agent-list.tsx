"use client";

import Link from "next/link";
import { memo, useEffect, useMemo, useRef, useState } from "react";
import type { AgentView } from "../../lib/protocol.ts";
import { usePaced, useServerNow, useSession } from "../../lib/react/index.ts";
import type { AgentKey } from "../../lib/view.ts";
import { chosen } from "../fleet/choice.ts";
import { usePins } from "../fleet/pins.ts";
import { useWords, type Words } from "../fleet/use-row.ts";
import { hrefTo } from "../hooks/use-query.ts";
import { cx } from "../ui/cx.ts";
import { Empty, Panel, Skeleton } from "../ui/panel.tsx";
import { Rows } from "../ui/rows.tsx";
import { Status } from "../ui/status.tsx";
import { useRows } from "../ui/use-rows.ts";
import styles from "./agent-list.module.css";

const ROW_PX = 82;
/** A fleet smaller than this is seen at a glance; only larger ones get a search field. */
const SEARCH_FROM = 9;

interface ListProps {
  readonly selected: AgentKey | null;
  readonly className?: string | undefined;
}

/** All agents beside one's conversation, by name, which never changes under the reader's hand. */
export function AgentList({ selected, className }: ListProps) {
  const loaded = useSession((session) => session.loaded);
  const agents = usePaced((session) => session.view.agents);
  const [pins] = usePins();
  const [search, setSearch] = useState("");
  const entries = useMemo(
    () => chosen(agents, { search, status: null, gateway: null, sort: "name" }, pins),
    [agents, search, pins],
  );
  const now = useServerNow();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useRows({
    count: entries.length,
    scroller,
    height: ROW_PX,
    keyOf: (index) => entries[index]?.[0] ?? index,
  });
  const place = entries.findIndex(([key]) => key === selected);
  const known = place >= 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: put in sight once it is chosen, and not whenever it moves
  useEffect(() => {
    if (known) rows.scrollToIndex(place, { align: "auto" });
  }, [selected, known]);
  return (
    <Panel
      id="agents"
      title="Agents"
      className={className}
      aside={loaded && <span className={styles.count}>{agents.size}</span>}
    >
      {agents.size >= SEARCH_FROM && (
        <input
          className={styles.search}
          type="search"
          placeholder="Find an agent"
          aria-label="Find an agent"
          data-filter
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      )}
      {!loaded && <Skeleton label="Loading agents" rows={5} />}
      {loaded && agents.size === 0 && (
        <Empty title="No agents yet">They appear here as soon as a gateway names them or they first speak.</Empty>
      )}
      {agents.size > 0 && entries.length === 0 && (
        <Empty title="No agent matches">
          <button type="button" onClick={() => setSearch("")}>
            Clear the search
          </button>
        </Empty>
      )}
      <div ref={scroller} className={styles.scroller} data-lines>
        <Rows rows={rows}>
          {(index) => {
            const entry = entries[index];
            if (entry === undefined) return null;
            const [key, agent] = entry;
            return <Row agentKey={key} agent={agent} selected={key === selected} now={now} />;
          }}
        </Rows>
      </div>
    </Panel>
  );
}

interface RowProps {
  readonly agentKey: AgentKey;
  readonly agent: AgentView;
  readonly selected: boolean;
  readonly now: number;
}

const Row = memo(function Row({ agentKey, agent, selected, now }: RowProps) {
  const several = useSession((session) => session.view.gateways.size > 1);
  return <Line {...useWords(agentKey, agent, now)} selected={selected} showGateway={several} />;
});

const Line = memo(function Line(words: Words & { readonly selected: boolean; readonly showGateway: boolean }) {
  const { agentKey, name, status, reason, doing, pace, seen, gateway, stale, selected, showGateway } = words;
  return (
    <Link
      className={cx(styles.row, selected && styles.selected)}
      href={hrefTo("/agents", { id: agentKey })}
      prefetch={false}
      aria-current={selected ? "true" : undefined}
      data-line
      data-testid="agent-row"
      data-agent={agentKey}
      data-status={status}
      data-stale={stale}
    >
      <span className={styles.line}>
        <span className={styles.name}>{name}</span>
        <span className={styles.seen}>{seen}</span>
      </span>
      <span className={styles.line}>
        <Status status={status} />
        <span className={styles.doing} data-pace={pace}>
          {doing}
        </span>
      </span>
      <span className={styles.reason}>{showGateway ? `${gateway}: ${reason}` : reason}</span>
    </Link>
  );
});
