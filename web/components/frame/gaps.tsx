"use client";

import { useEffect, useState } from "react";
import { count } from "../../lib/describe.ts";
import { RequestError, withQuery } from "../../lib/http.ts";
import { NOT_UNDERSTOOD } from "../../lib/problem.ts";
import { useMission, usePaced, useSession } from "../../lib/react/index.ts";
import { agentKey } from "../../lib/view.ts";
import { Time } from "../ui/time.tsx";
import styles from "./gaps.module.css";
import { declared, decodeMissing, type Missing } from "./missing.ts";

const MOST = 100;

/** The gaps that were declared, newest first. */
export function Gaps() {
  const { request } = useMission();
  const counted = usePaced(declared);
  const liveSince = useSession((session) => session.liveSince);
  const [missing, setMissing] = useState<Missing | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when the link is back
  useEffect(() => {
    const lifetime = new AbortController();
    const path = withQuery("/v1/feed", { kind: "stream.gap", limit: MOST });
    request(path, { signal: lifetime.signal })
      .then((answer) => {
        const understood = decodeMissing(answer, counted);
        setMissing(understood);
        setProblem(understood === null ? NOT_UNDERSTOOD.message : null);
      })
      .catch((error: unknown) => {
        if (error instanceof RequestError) setProblem(error.problem.message);
      });
    return () => lifetime.abort();
  }, [request, counted, liveSince]);
  if (problem !== null) return <p role="alert">{problem}</p>;
  if (missing === null) return <p>Asking the daemon …</p>;
  const { listed, more, forgotten } = missing;
  if (listed.length === 0 && forgotten === 0) {
    return (
      <p>
        Nothing. Every event that the gateways gave is in the journal, and everything that the journal has up to this
        offset is on this page.
      </p>
    );
  }
  return (
    <ol className={styles.gaps}>
      {listed.map((gap) => (
        <li key={gap.event_id} className={styles.gap} data-testid="gap">
          <span className={styles.agent}>{agentKey(gap.gateway, gap.agent_id ?? "")}</span>
          <Time at={gap.timestamp} />
          <span className={styles.title}>{gap.payload.title}</span>
        </li>
      ))}
      {more && <li className={styles.title}>The newest {MOST}; the activity view has what else the journal keeps.</li>}
      {forgotten > 0 && (
        <li className={styles.title} data-testid="forgotten-gaps">
          {count(forgotten, listed.length > 0 ? "more gap" : "gap")} {forgotten === 1 ? "is" : "are"} older than what
          the journal keeps.
        </li>
      )}
    </ol>
  );
}
