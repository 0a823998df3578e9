import type { ActivityEvent } from "../../lib/protocol.ts";
import { toneOf } from "../activity/kinds.ts";
import { KindIcon } from "../ui/icons.tsx";
import { Time } from "../ui/time.tsx";
import styles from "./note.module.css";

/** What befell a run: it failed, it was stopped, something of it is missing. */
export function Note({ event }: { readonly event: ActivityEvent }) {
  const { kind, title } = event.payload;
  return (
    <p className={styles.note} data-tone={toneOf(kind)} data-testid="note" data-kind={kind}>
      <KindIcon kind={kind} />
      <span className={styles.title}>{title}</span>
      <Time at={event.timestamp} />
    </p>
  );
}
