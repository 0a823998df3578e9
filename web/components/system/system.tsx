"use client";

import { useEffect, useRef, useState } from "react";
import { outdated } from "../hooks/polling.ts";
import { usePolled } from "../hooks/use-polled.ts";
import { Panel, Skeleton } from "../ui/panel.tsx";
import { Gateways } from "./gateways.tsx";
import { Journal } from "./journal.tsx";
import { Sinks } from "./sinks.tsx";
import { decodeSystem, type Sample, type SystemState, sampled } from "./state.ts";
import { Subscribers } from "./subscribers.tsx";
import { Supervision } from "./supervision.tsx";
import styles from "./system.module.css";

const EVERY_MS = 1_000;
const NONE: readonly Sample[] = [];

/** The daemon itself: what it is made of, and how its parts do. */
export function System() {
  const polled = usePolled("/v1/system", decodeSystem, EVERY_MS);
  const { value, problem } = polled;
  const old = outdated(polled);
  const samples = useSamples(value);
  return (
    <div className={styles.view}>
      {value === null ? (
        <Panel id="journal" title="Journal" className={styles.journal}>
          {problem === null ? (
            <Skeleton label="Loading the daemon's state" rows={4} />
          ) : (
            <p className={styles.body}>{problem.message}</p>
          )}
        </Panel>
      ) : (
        <>
          <Journal state={value} samples={samples} outdated={old} className={styles.journal} />
          <Gateways className={styles.gateways} />
          <Subscribers state={value} outdated={old} className={styles.subscribers} />
          <Sinks state={value} outdated={old} className={styles.sinks} />
        </>
      )}
      <Supervision className={styles.tree} />
    </div>
  );
}

function useSamples(state: SystemState | null): readonly Sample[] {
  const [samples, setSamples] = useState(NONE);
  const before = useRef<SystemState | null>(null);
  useEffect(() => {
    if (state === null) return;
    const earlier = before.current;
    before.current = state;
    setSamples((kept) => sampled(kept, earlier, state));
  }, [state]);
  return samples;
}
