"use client";

import { ago, count, LINK_WORDS, progress, span } from "../../lib/describe.ts";
import { overall } from "../../lib/overall.ts";
import type { GatewayView } from "../../lib/protocol.ts";
import { useMission, useNow, usePaced, useServerNow, useSession } from "../../lib/react/index.ts";
import { phase, type SessionState } from "../../lib/session-state.ts";
import { useLastEvent } from "../hooks/use-last-event.ts";
import { Logo } from "../ui/icons.tsx";
import { LinkMark } from "../ui/marks.tsx";
import styles from "./header.module.css";
import { HelpButton } from "./help.tsx";
import { ThemeButton } from "./theme.tsx";

/** The product, the one badge that answers "is this current?", and each link by itself. */
export function Header() {
  return (
    <header className={styles.header}>
      <div className={styles.top}>
        <Logo />
        <h1 className={styles.name}>Mission Control</h1>
        <ConnectionBadge />
        <div className={styles.tools}>
          <ThemeButton />
          <HelpButton />
        </div>
      </div>
      <Links />
    </header>
  );
}

const overallState = (session: SessionState) => overall(session).state;
const overallGateway = (session: SessionState) => overall(session).gateway;
const gatewaysOf = (session: SessionState) => session.view.gateways;

function ConnectionBadge() {
  const state = useSession(overallState);
  const gateway = useSession(overallGateway);
  const problem = useSession((session) => session.problem);
  const waiting = useSession((session) => session.link === "waiting");
  const { retry } = useMission();
  const word = LINK_WORDS[state];
  const reason = gateway === null ? problem?.message : `Gateway ${gateway.id}: ${gateway.detail}`;
  return (
    <div className={styles.connection}>
      <p className={styles.badge} data-testid="connection-badge" data-state={state} title={reason}>
        <LinkMark state={state} />
        <span className={styles.word}>{word}</span>
        {state !== "connected" && (gateway === null ? <OwnProgress /> : <GatewayProgress gateway={gateway} />)}
      </p>
      {waiting && (
        <button type="button" className={styles.retry} onClick={retry}>
          Try now
        </button>
      )}
      {gateway !== null && gateway.retry_at !== null && <TryGateway id={gateway.id} />}
      <p className="visually-hidden" role="status" aria-live="polite">
        {`Connection: ${word}. ${state === "connected" ? "" : (reason ?? "")}`}
      </p>
    </div>
  );
}

/** The daemon waits for its next attempt at a gateway: not any longer. */
function TryGateway({ id }: { readonly id: string }) {
  const { request } = useMission();
  const ask = (): void => {
    request(`/v1/gateways/${encodeURIComponent(id)}/reconnect`, { method: "POST" }).catch(() => {}); // its state says it
  };
  return (
    <button type="button" className={styles.retry} data-testid="try-gateway" onClick={ask}>
      Try now
    </button>
  );
}

/** How the page's own link stands: which attempt, and when the next. */
function OwnProgress() {
  const attempt = useSession((session) => session.attempt);
  const retryAt = useSession((session) => session.retryAt);
  const state = useSession(phase);
  const problem = useSession((session) => session.problem);
  const catchingUp = useSession((session) => session.link === "catching_up");
  const now = useNow();
  if (catchingUp) return <span className={styles.detail}>catching up</span>;
  if (state === "disconnected")
    return problem === null ? null : <span className={styles.detail}>{problem.message}</span>;
  if (attempt === 0) return null;
  return <span className={styles.detail}>{progress(attempt, retryAt, now)}</span>;
}

function GatewayProgress({ gateway }: { readonly gateway: GatewayView }) {
  const now = useServerNow();
  return (
    <span className={styles.detail}>
      gateway {gateway.id}
      {gateway.attempt > 0 && `, ${progress(gateway.attempt, gateway.retry_at, now)}`}
    </span>
  );
}

/** Each link by itself: this page to the daemon, and the daemon to each gateway. */
function Links() {
  const own = useSession(phase);
  const gateways = useSession(gatewaysOf);
  const loaded = useSession((session) => session.loaded);
  const quiet = useSession(overallState) === "connected";
  return (
    <ul className={styles.links} aria-label="Links" data-quiet={quiet}>
      <li className={styles.link}>
        <LinkMark state={own} />
        <span>
          Page to daemon <b>{LINK_WORDS[own].toLowerCase()}</b>
        </span>
      </li>
      {[...gateways.values()].map((gateway) => (
        <GatewayLink key={gateway.id} gateway={gateway} current={own === "connected"} />
      ))}
      {loaded && <Fleet />}
    </ul>
  );
}

function GatewayLink({ gateway, current }: { readonly gateway: GatewayView; readonly current: boolean }) {
  const now = useServerNow();
  const lastEvent = useLastEvent(gateway);
  const word = LINK_WORDS[gateway.state].toLowerCase();
  return (
    <li
      className={styles.link}
      data-testid="gateway-state"
      data-gateway={gateway.id}
      data-state={gateway.state}
      data-current={current}
      title={gateway.detail}
    >
      <LinkMark state={gateway.state} />
      <span>
        Gateway {gateway.id} <b>{current ? word : `was ${word}`}</b>
        {gateway.state !== "connected" && ` for ${span(now - gateway.since)}`}
        {gateway.state === "connected" && lastEvent !== null && `, last event ${ago(now - lastEvent)}`}
      </span>
    </li>
  );
}

/** How the fleet stands, in one line. */
function Fleet() {
  const agents = usePaced((session) => session.view.agents);
  if (agents.size === 0) return null;
  const tally = { online: 0, degraded: 0, offline: 0 };
  for (const agent of agents.values()) tally[agent.status] += 1;
  const parts = [
    `${tally.online} online`,
    ...(tally.degraded > 0 ? [`${tally.degraded} degraded`] : []),
    ...(tally.offline > 0 ? [`${tally.offline} offline`] : []),
  ];
  return (
    <li className={styles.fleet}>
      {count(agents.size, "agent")}: {parts.join(", ")}
    </li>
  );
}
