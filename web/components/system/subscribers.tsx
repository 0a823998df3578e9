"use client";

import { bytes, count, span } from "../../lib/describe.ts";
import { useServerNow } from "../../lib/react/index.ts";
import type { Outdated } from "../hooks/polling.ts";
import { Panel } from "../ui/panel.tsx";
import { AsOf } from "./as-of.tsx";
import type { SystemState } from "./state.ts";
import styles from "./system.module.css";

/** More than this are not listed one by one; those that lag most come first. */
const MOST = 50;

/** Who follows the stream, and how far behind each is. */
export function Subscribers({
  state,
  outdated,
  className,
}: {
  readonly state: SystemState;
  readonly outdated: Outdated | null;
  readonly className?: string | undefined;
}) {
  const now = useServerNow();
  const listed = [...state.subscribers].sort((a, b) => b.lag - a.lag).slice(0, MOST);
  return (
    <Panel
      id="subscribers"
      title="Subscribers"
      className={className}
      aside={
        outdated === null ? (
          <span className={styles.faint}>{count(state.subscribers.length, "subscriber")}</span>
        ) : (
          <AsOf outdated={outdated} />
        )
      }
    >
      <div className={styles.scroll} data-stale={outdated !== null}>
        <table className={styles.table} data-testid="subscribers">
          <thead>
            <tr>
              <th scope="col">Client</th>
              <th scope="col">Over</th>
              <th scope="col">For</th>
              <th scope="col">Lag</th>
              <th scope="col">Waits</th>
              <th scope="col">Too slow</th>
            </tr>
          </thead>
          <tbody>
            {listed.map((each) => (
              <tr key={each.session}>
                <th scope="row">
                  {each.client === null ? "unnamed" : `${each.client.name} ${each.client.version ?? ""}`}
                  {each.filtered && <span className={styles.faint}> filtered</span>}
                </th>
                <td>{each.transport === "sse" ? "SSE" : "WebSocket"}</td>
                <td>{span(now - each.connected_at)}</td>
                <td className={each.lag > 1_000 ? styles.warn : undefined}>{each.lag.toLocaleString()}</td>
                <td>{bytes(each.buffered_bytes)}</td>
                <td className={each.resets > 0 ? styles.warn : undefined}>{count(each.resets, "time")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
