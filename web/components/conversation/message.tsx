"use client";

import { memo } from "react";
import { MESSAGE_WORDS } from "../../lib/describe.ts";
import type { Message as MessageData } from "../../lib/view.ts";
import { MessageMark } from "../ui/marks.tsx";
import { Time } from "../ui/time.tsx";
import styles from "./message.module.css";
import { MessageText } from "./message-text.tsx";

const EXPLANATIONS: Readonly<Record<string, string>> = {
  aborted: "Aborted: someone or something stopped this message before its end.",
  interrupted: "Interrupted: the connection to the gateway broke, and the rest could not be recovered.",
};

interface MessageProps {
  readonly message: MessageData;
  readonly agentName: string;
  readonly showSession: boolean;
}

/** One message: of a person as it was typed, of an agent as Markdown. Its text is untrusted. */
export const Message = memo(function Message({ message, agentName, showSession }: MessageProps) {
  const { message_id, role, state, text, timestamp, session, error } = message;
  const explanation = state === "error" ? `Failed: ${error ?? "the agent gave no reason."}` : EXPLANATIONS[state];
  const streaming = state === "streaming";
  return (
    <article
      className={styles.message}
      data-testid="message"
      data-message-id={message_id}
      data-state={state}
      data-role={role}
    >
      <p className={styles.meta}>
        <span className={styles.role}>{role === "user" ? "User" : role === "system" ? "System" : agentName}</span>
        <Time at={timestamp} />
        {showSession && <span className={styles.session}>{session}</span>}
        {role !== "user" && (
          <span className={styles.state}>
            <MessageMark state={state} />
            {MESSAGE_WORDS[state]}
          </span>
        )}
      </p>
      {(text !== "" || streaming) && (
        <div className={styles.text} data-testid="message-text" dir="auto">
          {role === "assistant" ? <MessageText text={text} streaming={streaming} /> : text}
        </div>
      )}
      {explanation !== undefined && <p className={styles.explanation}>{explanation}</p>}
    </article>
  );
});
