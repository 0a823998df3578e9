"use client";

import { useMemo, useRef } from "react";
import type { AgentStatus } from "../../lib/protocol.ts";
import { usePaced, useServerNow, useSession } from "../../lib/react/index.ts";
import { ActivityPanel } from "../activity/activity-panel.tsx";
import { useQuery } from "../hooks/use-query.ts";
import { Empty, Panel, Skeleton } from "../ui/panel.tsx";
import { Rows } from "../ui/rows.tsx";
import { useRows } from "../ui/use-rows.ts";
import { AgentRow } from "./agent-row.tsx";
import { type Choice, chosen, SORTS, type Sort } from "./choice.ts";
import styles from "./fleet.module.css";
import { usePins } from "./pins.ts";
import { Toolbar } from "./toolbar.tsx";

const ROW_PX = 58;
const STATUSES: readonly string[] = ["online", "degraded", "offline"];

/** All agents at one glance, those in trouble first. */
export function Fleet() {
  return (
    <div className={styles.view}>
      <Agents />
      <ActivityPanel className={styles.activity} agent={null} family={null} />
    </div>
  );
}

/** The choice in the page's address. */
function useChoice(): Choice {
  const { params } = useQuery();
  const search = params.get("q") ?? "";
  const status = params.get("status");
  const gateway = params.get("gateway");
  const sort = params.get("sort");
  return useMemo(
    () => ({
      search,
      status: status !== null && STATUSES.includes(status) ? (status as AgentStatus) : null,
      gateway,
      sort: SORTS.find((known) => known === sort) ?? ("trouble" satisfies Sort),
    }),
    [search, status, gateway, sort],
  );
}

function Agents() {
  const loaded = useSession((session) => session.loaded);
  const agents = usePaced((session) => session.view.agents);
  const choice = useChoice();
  const [pins, togglePin] = usePins();
  const entries = useMemo(() => chosen(agents, choice, pins), [agents, choice, pins]);
  const { replace } = useQuery();
  const now = useServerNow();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useRows({
    count: entries.length,
    scroller,
    height: ROW_PX,
    keyOf: (index) => entries[index]?.[0] ?? index,
  });
  return (
    <Panel id="fleet" title="Fleet" className={styles.agents} aside={loaded && <Tally shown={entries.length} />}>
      <Toolbar choice={choice} />
      {!loaded && <Skeleton label="Loading agents" rows={6} />}
      {loaded && agents.size === 0 && (
        <Empty title="No agents yet">They appear here as soon as a gateway names them or they first speak.</Empty>
      )}
      {agents.size > 0 && entries.length === 0 && (
        <Empty title="No agent matches">
          <button type="button" onClick={() => replace({ q: null, status: null, gateway: null })}>
            Clear the filter
          </button>
        </Empty>
      )}
      <div ref={scroller} className={styles.scroller} data-lines data-testid="fleet">
        <Rows rows={rows}>
          {(index) => {
            const entry = entries[index];
            if (entry === undefined) return null;
            const [key, agent] = entry;
            return <AgentRow agentKey={key} agent={agent} now={now} pinned={pins.has(key)} onPin={togglePin} />;
          }}
        </Rows>
      </div>
    </Panel>
  );
}

function Tally({ shown }: { readonly shown: number }) {
  const all = usePaced((session) => session.view.agents.size);
  return <span className={styles.count}>{shown === all ? all : `${shown} of ${all}`}</span>;
}
