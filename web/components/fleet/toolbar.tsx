"use client";

import { useState } from "react";
import { STATUS_WORDS } from "../../lib/describe.ts";
import { AGENT_STATUSES, type AgentStatus } from "../../lib/protocol.ts";
import { usePaced, useSession } from "../../lib/react/index.ts";
import type { SessionState } from "../../lib/session-state.ts";
import { useQuery } from "../hooks/use-query.ts";
import { StatusMark } from "../ui/marks.tsx";
import { type Choice, SORT_WORDS, SORTS } from "./choice.ts";
import styles from "./fleet.module.css";

const counted =
  (status: AgentStatus) =>
  ({ view }: SessionState): number => {
    let sum = 0;
    for (const agent of view.agents.values()) if (agent.status === status) sum += 1;
    return sum;
  };
const COUNTS = { online: counted("online"), degraded: counted("degraded"), offline: counted("offline") } as const;

/** How the fleet stands, which is also how to choose from it. */
export function Toolbar({ choice }: { readonly choice: Choice }) {
  const gateways = useSession((session) => session.view.gateways);
  const { replace } = useQuery();
  return (
    <div className={styles.toolbar}>
      <div className={styles.tally}>
        {AGENT_STATUSES.map((status) => (
          <StatusButton key={status} status={status} chosen={choice.status === status} />
        ))}
      </div>
      <div className={styles.fields}>
        <SearchField search={choice.search} />
        {gateways.size > 1 && (
          <select
            aria-label="Show the agents of"
            value={choice.gateway ?? ""}
            onChange={(event) => replace({ gateway: event.target.value || null })}
          >
            <option value="">All gateways</option>
            {[...gateways.keys()].map((id) => (
              <option key={id} value={id}>
                {id}
              </option>
            ))}
          </select>
        )}
        <select
          aria-label="Sort by"
          value={choice.sort}
          onChange={(event) => replace({ sort: event.target.value === "trouble" ? null : event.target.value })}
        >
          {SORTS.map((sort) => (
            <option key={sort} value={sort}>
              {SORT_WORDS[sort]}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

/** While it is written in, it has what was typed: the address follows a little later. */
function SearchField({ search }: { readonly search: string }) {
  const [typed, setTyped] = useState<string | null>(null);
  const { replace } = useQuery();
  return (
    <input
      className={styles.search}
      type="search"
      placeholder="Find an agent"
      aria-label="Find an agent"
      data-filter
      value={typed ?? search}
      onChange={(event) => {
        setTyped(event.target.value);
        replace({ q: event.target.value || null });
      }}
      onBlur={() => setTyped(null)}
    />
  );
}

function StatusButton({ status, chosen }: { readonly status: AgentStatus; readonly chosen: boolean }) {
  const count = usePaced(COUNTS[status]);
  const { replace } = useQuery();
  return (
    <button
      type="button"
      className={styles.stat}
      data-status={count === 0 ? "none" : status}
      data-testid="status-count"
      aria-pressed={chosen}
      onClick={() => replace({ status: chosen ? null : status })}
    >
      <StatusMark status={status} />
      <b>{count}</b> {STATUS_WORDS[status]}
    </button>
  );
}
