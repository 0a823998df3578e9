import type { AgentStatus, LinkState, MessageState } from "../../lib/protocol.ts";
import styles from "./marks.module.css";

/* A state is never told by colour alone: each mark has its own shape, and a word stands beside it. */

export function StatusMark({ status }: { readonly status: AgentStatus }) {
  return (
    <svg className={styles[status]} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      {status === "online" && <circle cx="6" cy="6" r="4.5" fill="currentColor" />}
      {status === "degraded" && <path d="M6 1 11.4 10.6H.6Z" fill="currentColor" />}
      {status === "offline" && (
        <rect x="2" y="2" width="8" height="8" rx="1.5" fill="none" stroke="currentColor" strokeWidth="2" />
      )}
    </svg>
  );
}

export function LinkMark({ state }: { readonly state: LinkState }) {
  return (
    <svg className={styles[state]} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      {state === "connected" && <circle cx="6" cy="6" r="4.5" fill="currentColor" />}
      {state === "connecting" && (
        <circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" strokeWidth="2" strokeDasharray="3.3 3.3" />
      )}
      {state === "reconnecting" && (
        <g fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round">
          <path d="M10 6a4 4 0 1 1-1.2-2.85" />
          <path d="M9.4.8v2.6H6.8" strokeLinejoin="round" />
        </g>
      )}
      {state === "disconnected" && (
        <path d="M2.2 2.2 9.8 9.8M9.8 2.2 2.2 9.8" stroke="currentColor" strokeWidth="2.4" strokeLinecap="round" />
      )}
    </svg>
  );
}

export function MessageMark({ state }: { readonly state: MessageState }) {
  return (
    <svg className={styles[state]} viewBox="0 0 12 12" width="12" height="12" fill="none" aria-hidden="true">
      <g stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round">
        {state === "streaming" && <path d="M1.5 6h.01M6 6h.01M10.5 6h.01" strokeWidth="2.4" />}
        {state === "complete" && <path d="m2 6.5 2.8 2.8L10.2 3" />}
        {state === "aborted" && <path d="M2.5 2.5h7v7h-7z" />}
        {state === "error" && <path d="M6 1.5v5.4M6 10.2h.01" />}
        {state === "interrupted" && <path d="M1.2 6h3l1-2.4M10.8 6h-3l-1 2.4" />}
      </g>
    </svg>
  );
}
