"use client";

import type { AgentKey, Message as MessageData } from "../lib/view.ts";
import { AgentSummary } from "./agents.tsx";
import styles from "./conversation.module.css";
import { ArrowDownIcon } from "./icons.tsx";
import { Message } from "./message.tsx";
import { useSession } from "./mission-control.tsx";
import { Empty, Panel, Skeleton } from "./panel.tsx";
import { useQuery } from "./use-query.ts";
import { useStickToBottom } from "./use-stick-to-bottom.ts";

interface ConversationProps {
  readonly agentKey: AgentKey | null;
  readonly className?: string | undefined;
}

const NONE: readonly MessageData[] = [];

/** What the selected agent says, as it says it. */
export function Conversation({ agentKey, className }: ConversationProps) {
  const loaded = useSession((session) => session.loaded);
  const agent = useSession((session) => (agentKey === null ? undefined : session.view.agents.get(agentKey)));
  const messages = useSession((session) =>
    agentKey === null ? NONE : (session.view.conversations.get(agentKey) ?? NONE),
  );
  const { replace } = useQuery();
  const missing = loaded && agentKey !== null && agent === undefined;
  return (
    <Panel
      id="conversation"
      title={agent?.name ?? "Conversation"}
      className={className}
      aside={agent !== undefined && agentKey !== null && <AgentSummary agent={agent} agentKey={agentKey} />}
    >
      {!loaded && <Skeleton label="Loading the conversation" rows={6} />}
      {loaded && agentKey === null && <Empty title="Nothing to read yet">Choose an agent once there is one.</Empty>}
      {missing && (
        <Empty title={`No agent ${agentKey}`}>
          It is not among the agents that the daemon knows.
          <br />
          <button type="button" onClick={() => replace({ agent: null })}>
            Show the most active agent
          </button>
        </Empty>
      )}
      {agent !== undefined && messages.length === 0 && (
        <Empty title="No messages yet">What {agent.name} says appears here while it is being written.</Empty>
      )}
      {messages.length > 0 && (
        <Transcript key={agentKey} messages={messages} severalSessions={(agent?.sessions.length ?? 0) > 1} />
      )}
    </Panel>
  );
}

interface TranscriptProps {
  readonly messages: readonly MessageData[];
  readonly severalSessions: boolean;
}

function Transcript({ messages, severalSessions }: TranscriptProps) {
  const { scroller, atEnd, unseen, onScroll, toEnd } = useStickToBottom(messages);
  return (
    <div className={styles.frame}>
      <div
        ref={scroller}
        className={styles.scroller}
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-labelledby="conversation"
      >
        <ol className={styles.messages}>
          {messages.map((message) => (
            <Message key={message.message_id} message={message} showSession={severalSessions} />
          ))}
        </ol>
      </div>
      {!atEnd && (
        <button type="button" className={styles.pill} onClick={toEnd} data-testid="new-pill">
          <ArrowDownIcon />
          {unseen > 0 ? `${unseen} new` : "Latest"}
        </button>
      )}
    </div>
  );
}
