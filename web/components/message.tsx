"use client";

import { memo } from "react";
import { MESSAGE_WORDS } from "../lib/describe.ts";
import type { Role } from "../lib/protocol.ts";
import type { Message as MessageData } from "../lib/view.ts";
import { MessageMark } from "./marks.tsx";
import styles from "./message.module.css";
import { Time } from "./time.tsx";

const ROLE_WORDS: Readonly<Record<Role, string>> = { user: "User", assistant: "Agent", system: "System" };

const EXPLANATIONS: Readonly<Record<string, string>> = {
  aborted: "Aborted: someone or something stopped this message before its end.",
  interrupted: "Interrupted: the connection to the gateway broke, and the rest could not be recovered.",
};

interface MessageProps {
  readonly message: MessageData;
  readonly showSession: boolean;
}

/** One message. Its text is untrusted: it is only ever rendered as text. */
export const Message = memo(function Message({ message, showSession }: MessageProps) {
  const { message_id, role, state, text, timestamp, session, error } = message;
  const explanation = state === "error" ? `Failed: ${error ?? "the agent gave no reason."}` : EXPLANATIONS[state];
  return (
    <li
      className={styles.message}
      data-testid="message"
      data-message-id={message_id}
      data-state={state}
      data-role={role}
    >
      <p className={styles.meta}>
        <span className={styles.role}>{ROLE_WORDS[role]}</span>
        <Time at={timestamp} />
        {showSession && <span className={styles.session}>{session}</span>}
        {role !== "user" && (
          <span className={styles.state}>
            <MessageMark state={state} />
            {MESSAGE_WORDS[state]}
          </span>
        )}
      </p>
      {(text !== "" || state === "streaming") && (
        <div className={styles.text} data-testid="message-text" dir="auto">
          {text}
        </div>
      )}
      {explanation !== undefined && <p className={styles.explanation}>{explanation}</p>}
    </li>
  );
});
