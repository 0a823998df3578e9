"use client";

import { useEffect, useRef, useState } from "react";
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
  const { value, problem } = usePolled("/v1/system", decodeSystem, EVERY_MS);
  const samples = useSamples(value);
  return (
    <div className={styles.view}>
      {value === null ? (
        <Panel id="journal" title="Journal" className={styles.journal}>
          {problem === null ? <Skeleton label="Loading the daemon's state" rows={4} /> : <p>{problem.message}</p>}
        </Panel>
      ) : (
        <>
          <Journal state={value} samples={samples} className={styles.journal} />
          <Gateways className={styles.gateways} />
          <Subscribers state={value} className={styles.subscribers} />
          <Sinks state={value} className={styles.sinks} />
        </>
      )}
      <Panel id="supervision" title="Supervision tree" className={styles.tree}>
        <Supervision />
      </Panel>
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
