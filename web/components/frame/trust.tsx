"use client";

import { useRef, useState } from "react";
import { count, span } from "../../lib/describe.ts";
import { useMission, useNow, usePaced, useSession } from "../../lib/react/index.ts";
import { phase } from "../../lib/session-state.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Gaps } from "./gaps.tsx";
import { declared } from "./missing.ts";
import styles from "./trust.module.css";

/** Why to believe the page: how fresh it is, how fast, how complete; and what is declared to be missing. */
export function Trust() {
  const loaded = useSession((session) => session.loaded);
  const cursor = usePaced((session) => session.cursor);
  const gaps = usePaced(declared);
  const dialog = useRef<HTMLDialogElement>(null);
  const [open, setOpen] = useState(false);
  const show = (): void => {
    setOpen(true);
    dialog.current?.showModal();
  };
  return (
    <footer className={styles.trust}>
      <Freshness />
      <Latency />
      {loaded && cursor !== null && (
        <button type="button" className={styles.complete} data-testid="complete" data-gaps={gaps} onClick={show}>
          Complete to offset <b>{cursor.offset.toLocaleString()}</b>, epoch <code>{cursor.epoch.slice(0, 8)}</code>,{" "}
          <span className={gaps > 0 ? styles.gaps : undefined}>{count(gaps, "gap")}</span>
        </button>
      )}
      <Dialog ref={dialog} title="What is declared to be missing" testId="gaps" onClose={() => setOpen(false)}>
        {open && <Gaps />}
      </Dialog>
      <Irregularities />
    </footer>
  );
}

function Freshness() {
  const freshAt = useSession((session) => session.freshAt);
  const live = useSession((session) => phase(session) === "connected");
  const now = useNow();
  if (freshAt === null) return <span data-testid="freshness">Not loaded yet</span>;
  return (
    <span data-testid="freshness" data-live={live} className={live ? undefined : styles.old}>
      {live ? "Live" : `As of ${span(now - freshAt)} ago`}
    </span>
  );
}

/** From the gateway's emission to the painted frame, of the newest events. */
function Latency() {
  const { diagnostics } = useMission();
  useNow(); // measured after paints: looked at each second
  const { count: measured, p50, p95 } = diagnostics.latency();
  if (measured === 0) return null;
  return (
    <span
      className={styles.latency}
      data-testid="latency"
      data-pace={p95 < 500 ? "good" : "slow"}
      title={`From the gateway's emission to the painted frame, of the newest ${Math.min(measured, 8_192)} events`}
    >
      <abbr title="half are faster">p50</abbr> {Math.round(p50)} ms, <abbr title="95 of 100 are faster">p95</abbr>{" "}
      <b>{Math.round(p95)} ms</b>
    </span>
  );
}

/** For what the page could not take as it came; silent while there is nothing to say. */
function Irregularities() {
  const gaps = useSession((session) => session.gaps);
  const malformed = useSession((session) => session.malformed);
  if (gaps === 0 && malformed === 0) return null;
  return (
    <span>
      Since this page was opened: {count(gaps, "hole")} repaired,{" "}
      {count(malformed, "frame or entry", "frames or entries")} not understood
    </span>
  );
}
