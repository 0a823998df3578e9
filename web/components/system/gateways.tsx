"use client";

import { ago, LINK_WORDS, span } from "../../lib/describe.ts";
import type { GatewayView } from "../../lib/protocol.ts";
import { useServerNow, useSession } from "../../lib/react/index.ts";
import { phase } from "../../lib/session-state.ts";
import { NOT_CONNECTED } from "../hooks/polling.ts";
import { useLastEvent } from "../hooks/use-last-event.ts";
import { LinkMark } from "../ui/marks.tsx";
import { Panel } from "../ui/panel.tsx";
import { AsOf } from "./as-of.tsx";
import styles from "./system.module.css";

/** Each gateway's link, and whether something of it is still being brought in. */
export function Gateways({ className }: { readonly className?: string | undefined }) {
  const gateways = useSession((session) => session.view.gateways);
  const connected = useSession((session) => phase(session) === "connected");
  const freshAt = useSession((session) => session.freshAt);
  const now = useServerNow();
  const outdated = connected || freshAt === null ? null : { at: freshAt, problem: NOT_CONNECTED };
  return (
    <Panel id="gateways" title="Gateways" className={className} aside={<AsOf outdated={outdated} />}>
      <div className={styles.scroll} data-stale={outdated !== null}>
        <table className={styles.table} data-testid="gateways">
          <thead>
            <tr>
              <th scope="col">Gateway</th>
              <th scope="col">Link</th>
              <th scope="col">Last heard</th>
              <th scope="col">Detail</th>
            </tr>
          </thead>
          <tbody>
            {[...gateways.values()].map((gateway) => (
              <tr key={gateway.id}>
                <th scope="row">
                  {gateway.id}
                  <span className={styles.faint}> {gateway.kind}</span>
                </th>
                <td>
                  <span className={styles.link}>
                    <LinkMark state={gateway.state} />
                    {LINK_WORDS[gateway.state]} for {span(now - gateway.since)}
                    {gateway.attempt > 0 && `, attempt ${gateway.attempt}`}
                  </span>
                </td>
                <LastHeard gateway={gateway} now={now} />
                <td>
                  {gateway.missing_since !== null && `Catching up since ${span(now - gateway.missing_since)} ago. `}
                  {gateway.detail}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function LastHeard({ gateway, now }: { readonly gateway: GatewayView; readonly now: number }) {
  const at = useLastEvent(gateway);
  return <td>{at === null ? "never" : ago(now - at)}</td>;
}
