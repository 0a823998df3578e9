"use client";

import { useMission, useSession } from "../../lib/react/index.ts";
import { CrossIcon } from "../ui/icons.tsx";
import styles from "./sign-in.module.css";

/** The daemon does not take this page, and never will as it is: why, and what to do. */
export function Refused() {
  const problem = useSession((session) => session.problem);
  const trying = useSession((session) => session.link !== "stopped");
  const { retry } = useMission();
  return (
    <main className={styles.page}>
      <div className={styles.card} data-testid="refused" role="alert">
        <span className={styles.icon} data-tone="bad">
          <CrossIcon />
        </span>
        <h2 className={styles.title}>The daemon {trying ? "refused" : "refuses"} this page</h2>
        <p className={styles.text}>{problem?.message}</p>
        {problem?.remedy !== undefined && <p className={styles.text}>{problem.remedy}</p>}
        <button type="button" className={styles.submit} aria-busy={trying} onClick={retry}>
          {trying ? "Trying …" : "Try again"}
        </button>
      </div>
    </main>
  );
}
