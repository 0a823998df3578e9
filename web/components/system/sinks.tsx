"use client";

import { ago, span } from "../../lib/describe.ts";
import { useServerNow } from "../../lib/react/index.ts";
import type { Outdated } from "../hooks/polling.ts";
import { Empty, Panel } from "../ui/panel.tsx";
import { AsOf } from "./as-of.tsx";
import type { SystemState } from "./state.ts";
import styles from "./system.module.css";

/** Where events are delivered to besides the stream, and what became of them. */
export function Sinks({
  state,
  outdated,
  className,
}: {
  readonly state: SystemState;
  readonly outdated: Outdated | null;
  readonly className?: string | undefined;
}) {
  const now = useServerNow();
  return (
    <Panel id="sinks" title="Sinks" className={className} aside={<AsOf outdated={outdated} />}>
      {state.sinks.length === 0 ? (
        <Empty title="No sinks">A webhook delivers what happens to somewhere else, once it is configured.</Empty>
      ) : (
        <div className={styles.scroll} data-stale={outdated !== null}>
          <table className={styles.table} data-testid="sinks">
            <thead>
              <tr>
                <th scope="col">Sink</th>
                <th scope="col">Delivered</th>
                <th scope="col">Given up</th>
                <th scope="col">Waiting</th>
                <th scope="col">Lag</th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {state.sinks.map((sink) => (
                <tr key={sink.name}>
                  <th scope="row">
                    {sink.name}
                    {sink.endpoint !== null && <span className={styles.faint}> {sink.endpoint}</span>}
                  </th>
                  <td>{sink.delivered.toLocaleString()}</td>
                  <td className={sink.given_up + sink.dropped > 0 ? styles.warn : undefined}>
                    {(sink.given_up + sink.dropped).toLocaleString()}
                  </td>
                  <td>{sink.waiting.toLocaleString()}</td>
                  <td>{sink.lag.toLocaleString()}</td>
                  <td className={sink.failing_since === null ? undefined : styles.warn}>
                    {sink.failing_since === null ? "delivers" : `fails for ${span(now - sink.failing_since)}`}
                    {sink.last_failed !== null &&
                      `; last failure ${ago(now - sink.last_failed.timestamp)}: ${sink.last_failed.problem}`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
