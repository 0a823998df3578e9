"use client";

import { bytes, span } from "../../lib/describe.ts";
import { useServerNow } from "../../lib/react/index.ts";
import type { Outdated } from "../hooks/polling.ts";
import { Chart } from "../ui/chart.tsx";
import { Panel } from "../ui/panel.tsx";
import { AsOf } from "./as-of.tsx";
import { type Fact, Facts } from "./facts.tsx";
import type { Retention, Sample, SystemState } from "./state.ts";
import styles from "./system.module.css";

interface JournalProps {
  readonly state: SystemState;
  readonly samples: readonly Sample[];
  readonly outdated: Outdated | null;
  readonly className?: string | undefined;
}

/** What is kept, how much of it there is, and how long it takes to commit. */
export function Journal({ state, samples, outdated, className }: JournalProps) {
  const { journal, rendering } = state;
  const now = useServerNow();
  const facts: readonly Fact[] = [
    ["Kept in", journal.kind],
    ["Events", journal.events.toLocaleString()],
    ["Size", journal.bytes === null ? "–" : bytes(journal.bytes)],
    ["Newest offset", journal.head.toLocaleString(), `epoch ${journal.epoch}`],
    ["Reaches back", journal.oldest_at === null ? "–" : span(now - journal.oldest_at)],
    ["Retention", retained(journal.retention)],
    ["Waiting for commit", journal.waiting.toLocaleString()],
    ["Pages, event to paint", rendering === null ? "–" : `p95 ${Math.round(rendering.p95)} ms`, "the slowest page"],
    ["Daemon", `${state.version}, up ${span(now - state.started_at)}`],
  ];
  const times = samples.map(({ at }) => at);
  return (
    <Panel id="journal" title="Journal" className={className} aside={<AsOf outdated={outdated} />}>
      <div className={styles.body} data-testid="journal" data-stale={outdated !== null}>
        {journal.stalled_since !== null && (
          <p className={styles.bad} role="status">
            Storage refuses what is to be committed, for {span(now - journal.stalled_since)}. Nothing is lost: it waits.
          </p>
        )}
        <Facts facts={facts} />
        <div className={styles.charts}>
          <Chart
            title="Committed"
            times={times}
            values={samples.map(({ eventsPerSecond }) => eventsPerSecond)}
            format={(value) => `${Math.round(value).toLocaleString()}/s`}
          />
          <Chart
            title="Commit, p95"
            times={times}
            values={samples.map(({ commitMs }) => commitMs)}
            format={(value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`}
          />
        </div>
      </div>
    </Panel>
  );
}

function retained({ max_age_s, max_events, max_bytes }: Retention): string {
  const limits = [
    max_age_s === null ? null : span(max_age_s * 1_000),
    max_events === null ? null : `${max_events.toLocaleString()} events`,
    max_bytes === null ? null : bytes(max_bytes),
  ].filter((limit) => limit !== null);
  return limits.length === 0 ? "everything" : limits.join(", ");
}
