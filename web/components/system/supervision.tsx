"use client";

import { useRef, useState } from "react";
import { ago, count, span } from "../../lib/describe.ts";
import { useNow } from "../../lib/react/index.ts";
import { outdated } from "../hooks/polling.ts";
import { usePolled } from "../hooks/use-polled.ts";
import { ChevronIcon } from "../ui/icons.tsx";
import { Panel, Skeleton } from "../ui/panel.tsx";
import { Rows } from "../ui/rows.tsx";
import { useRows } from "../ui/use-rows.ts";
import { type Actors, decodeActors, type Node, rowsOf } from "./actors.ts";
import { AsOf } from "./as-of.tsx";
import styles from "./supervision.module.css";

const EVERY_MS = 1_000;
const ROW_PX = 34;
/** A pool of more than this begins closed. */
const OPEN_BELOW = 30;

/** Every actor with its state, restarts, mail and last failure. */
export function Supervision({ className }: { readonly className?: string | undefined }) {
  const polled = usePolled("/v1/actors", decodeActors, EVERY_MS);
  const { value, problem } = polled;
  const old = outdated(polled);
  return (
    <Panel id="supervision" title="Supervision tree" className={className} aside={<AsOf outdated={old} />}>
      {value !== null && (
        <div className={styles.tree} data-stale={old !== null}>
          <Tree actors={value} />
        </div>
      )}
      {value === null && problem === null && <Skeleton label="Loading the actors" rows={6} />}
      {value === null && problem !== null && <p className={styles.problem}>{problem.message}</p>}
    </Panel>
  );
}

function Tree({ actors }: { readonly actors: Actors }) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(() => new Set(large(actors.tree)));
  const rows = rowsOf(actors.tree, closed);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useRows({
    count: rows.length,
    scroller,
    height: ROW_PX,
    keyOf: (index) => rows[index]?.node.path ?? index,
  });
  const toggle = (path: string): void => {
    const next = new Set(closed);
    if (!next.delete(path)) next.add(path);
    setClosed(next);
  };
  const letters = actors.dead_letters.length;
  return (
    <>
      {letters > 0 && (
        <p className={styles.problem} data-testid="dead-letters">
          {count(letters, "dead letter")}: <code>mission-control dead-letters</code> shows, retries and discards them.
        </p>
      )}
      <div className={styles.head} aria-hidden="true">
        <span>Actor</span>
        <span>State</span>
        <span>Restarts</span>
        <span>Mail</span>
        <span>Busy</span>
        <span>Up</span>
        <span>Last failure</span>
      </div>
      <div ref={scroller} className={styles.scroller} data-lines>
        <Rows rows={virtual}>
          {(index) => {
            const row = rows[index];
            if (row === undefined) return null;
            const { node, depth } = row;
            return <Line node={node} depth={depth} closed={closed.has(node.path)} onToggle={toggle} />;
          }}
        </Rows>
      </div>
    </>
  );
}

interface LineProps {
  readonly node: Node;
  readonly depth: number;
  readonly closed: boolean;
  readonly onToggle: (path: string) => void;
}

function Line({ node, depth, closed, onToggle }: LineProps) {
  const now = useNow();
  const { name, path, kind, state, restarts, mailbox, busy_fraction, uptime_s, last_failure, children } = node;
  return (
    <div
      className={styles.line}
      data-testid="actor"
      data-path={path}
      data-state={state}
      ref={(line) => void line?.style.setProperty("--depth", String(depth))}
    >
      <span className={styles.name} title={`${path} (${kind})`}>
        {children.length > 0 ? (
          <button
            type="button"
            className={styles.toggle}
            aria-expanded={!closed}
            aria-label={`${closed ? "Show" : "Hide"} what is below ${name}`}
            data-line
            onClick={() => onToggle(path)}
          >
            <span className={styles.chevron} data-open={!closed}>
              <ChevronIcon />
            </span>
            {name}
            {closed && <span className={styles.count}>{children.length}</span>}
          </button>
        ) : (
          <span className={styles.leaf}>{name}</span>
        )}
      </span>
      <span className={styles.state}>{state.replace("_", " ")}</span>
      <span data-label="restarts" className={restarts > 0 ? styles.warn : styles.faint}>
        {restarts}
      </span>
      <span data-label="mail" className={styles.faint}>
        {mailbox === null
          ? ""
          : `${mailbox.depth}${mailbox.capacity === null ? "" : ` of ${mailbox.capacity}`}, peak ${mailbox.peak}`}
      </span>
      <span className={styles.faint}>{mailbox === null ? "" : `${Math.round(busy_fraction * 100)} %`}</span>
      <span className={styles.faint}>{state === "running" ? span(uptime_s * 1_000) : ""}</span>
      <span className={styles.failure} title={last_failure?.where}>
        {last_failure !== null && `${ago(now - last_failure.timestamp)}: ${last_failure.type}: ${last_failure.message}`}
      </span>
    </div>
  );
}

function large(node: Node): readonly string[] {
  const own = node.children.length > OPEN_BELOW ? [node.path] : [];
  return [...own, ...node.children.flatMap(large)];
}
