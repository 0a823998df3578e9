"use client";

import { useEffect, useState } from "react";
import { LINK_WORDS, sentence, span } from "../../lib/describe.ts";
import { useMission, useNow, useServerNow, useSession } from "../../lib/react/index.ts";
import { phase } from "../../lib/session-state.ts";
import styles from "./banners.module.css";

/** A loss that is over sooner is shown by the badge alone. */
const BANNER_AFTER_MS = 5_000;

/** What the operator must know before believing the page: simulated, stale, or told so by the daemon. */
export function Banners() {
  return (
    <div className={styles.banners}>
      <StalePage />
      <StaleGateways />
      <Notices />
      <Simulated />
    </div>
  );
}

function Simulated() {
  const simulated = useSession((session) => session.source === "simulated");
  if (!simulated) return null;
  return (
    <aside className={styles.info} data-testid="source-banner" aria-label="Source of the data">
      <p>
        <b>Simulated data.</b> These agents are made up.{" "}
        <span className={styles.more}>
          To watch real ones, start <code>mission-control run --gateway ws://HOST:18789 --gateway-token-file FILE</code>
          ; the README says more.
        </span>
      </p>
    </aside>
  );
}

/** The page itself has no link: everything on it, if there is anything yet, is as old as its last frame. */
function StalePage() {
  const connected = useSession((session) => phase(session) === "connected");
  const loaded = useSession((session) => session.loaded);
  const stopped = useSession((session) => session.link === "stopped");
  const problem = useSession((session) => session.problem);
  const freshAt = useSession((session) => session.freshAt);
  const openedAt = useOpenedAt();
  const { retry } = useMission();
  const now = useNow();
  if (connected || (!stopped && now - (freshAt ?? openedAt) < BANNER_AFTER_MS)) return null;
  return (
    <div
      className={stopped ? styles.bad : styles.warn}
      data-testid={loaded ? "stale-banner" : "not-connected-banner"}
      data-scope="page"
      role="status"
    >
      <p>
        <b>{loaded ? "This page is not current." : "Not connected."}</b>{" "}
        {freshAt !== null && <span aria-hidden="true">It shows the state of {span(now - freshAt)} ago. </span>}
        {problem?.message} {problem?.remedy}
      </p>
      {stopped && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** When this page was opened; not before it runs in a browser. */
function useOpenedAt(): number {
  const [openedAt, setOpenedAt] = useState(Number.POSITIVE_INFINITY);
  useEffect(() => setOpenedAt(Date.now()), []);
  return openedAt;
}

/** The daemon has lost a gateway: what it says of that gateway's agents is old. */
function StaleGateways() {
  const connected = useSession((session) => phase(session) === "connected");
  const gateways = useSession((session) => session.view.gateways);
  const now = useServerNow();
  if (!connected) return null;
  return [...gateways.values()]
    .filter((gateway) => gateway.state !== "connected" && now - gateway.since >= BANNER_AFTER_MS)
    .map((gateway) => (
      <div
        key={gateway.id}
        className={gateway.state === "disconnected" ? styles.bad : styles.warn}
        data-testid="stale-banner"
        data-scope="gateway"
        data-gateway={gateway.id}
        role="status"
      >
        <p>
          <b>
            Gateway {gateway.id} is {LINK_WORDS[gateway.state].toLowerCase()}.
          </b>{" "}
          {sentence(gateway.detail)}{" "}
          {gateway.last_event_at !== null && (
            <span aria-hidden="true">Its agents are shown as of {span(now - gateway.last_event_at)} ago.</span>
          )}
        </p>
      </div>
    ));
}

const NOTICE_STYLES: Readonly<Record<string, string | undefined>> = { info: styles.info, error: styles.bad };

function Notices() {
  const notices = useSession((session) => session.notices);
  const { dismiss } = useMission();
  return notices.map((notice) => (
    <div
      key={notice.code}
      className={NOTICE_STYLES[notice.level] ?? styles.warn}
      data-testid="notice"
      data-code={notice.code}
      role="status"
    >
      <p>{notice.message}</p>
      <button type="button" onClick={() => dismiss(notice.code)}>
        Dismiss
      </button>
    </div>
  ));
}
