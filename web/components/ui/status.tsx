import { STATUS_WORDS } from "../../lib/describe.ts";
import type { AgentStatus } from "../../lib/protocol.ts";
import { cx } from "./cx.ts";
import { StatusMark } from "./marks.tsx";
import styles from "./status.module.css";

interface StatusProps {
  readonly status: AgentStatus;
  readonly title?: string;
  readonly className?: string | undefined;
}

/** An agent's status by its colour, its shape and its word. */
export function Status({ status, title, className }: StatusProps) {
  return (
    <span className={cx(styles.status, className)} data-status={status} title={title}>
      <StatusMark status={status} />
      {STATUS_WORDS[status]}
    </span>
  );
}
