"use client";

import { useEffect, useState } from "react";
import { decodeFeed } from "../../lib/decode.ts";
import { RequestError, withQuery } from "../../lib/http.ts";
import type { ActivityEvent } from "../../lib/protocol.ts";
import { useMission, usePaced } from "../../lib/react/index.ts";
import type { SessionState } from "../../lib/session-state.ts";
import { agentKey } from "../../lib/view.ts";
import { Time } from "../ui/time.tsx";
import styles from "./gaps.module.css";

const MOST = 100;

const newestGap = ({ view }: SessionState): ActivityEvent | null => {
  for (const event of view.feed.backwards()) if (event.payload.kind === "stream.gap") return event;
  return null;
};

/** The gaps that were declared, newest first. */
export function Gaps() {
  const { request } = useMission();
  const newest = usePaced(newestGap);
  const [gaps, setGaps] = useState<readonly ActivityEvent[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when there is another one
  useEffect(() => {
    const lifetime = new AbortController();
    const path = withQuery("/v1/feed", { kind: "stream.gap", limit: MOST });
    request(path, { signal: lifetime.signal })
      .then((answer) => {
        setGaps(decodeFeed(answer)?.entries ?? []);
        setProblem(null);
      })
      .catch((error: unknown) => {
        if (error instanceof RequestError) setProblem(error.problem.message);
      });
    return () => lifetime.abort();
  }, [request, newest]);
  if (problem !== null) return <p role="alert">{problem}</p>;
  if (gaps === null) return <p>Asking the daemon …</p>;
  if (gaps.length === 0) {
    return (
      <p>
        Nothing. Every event that the gateways gave is in the journal, and everything that the journal has up to this
        offset is on this page.
      </p>
    );
  }
  return (
    <ol className={styles.gaps}>
      {gaps.map((gap) => (
        <li key={gap.event_id} className={styles.gap} data-testid="gap">
          <span className={styles.agent}>{agentKey(gap.gateway, gap.agent_id ?? "")}</span>
          <Time at={gap.timestamp} />
          <span className={styles.title}>{gap.payload.title}</span>
        </li>
      ))}
      {gaps.length === MOST && <li className={styles.title}>The newest {MOST}; the activity view has the others.</li>}
    </ol>
  );
}
