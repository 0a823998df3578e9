"use client";

import { memo, useMemo } from "react";
import { ago, count, STATUS_WORDS } from "../../lib/describe.ts";
import type { AgentView } from "../../lib/protocol.ts";
import { useConversation, usePaced, useServerNow, useSession } from "../../lib/react/index.ts";
import { type Item, sameItem } from "../../lib/timeline.ts";
import type { AgentKey } from "../../lib/view.ts";
import { useChoices } from "../hooks/use-choices.ts";
import { useQuery } from "../hooks/use-query.ts";
import { ArrowDownIcon } from "../ui/icons.tsx";
import { Empty, Panel, Skeleton } from "../ui/panel.tsx";
import { Status } from "../ui/status.tsx";
import styles from "./conversation.module.css";
import { Message } from "./message.tsx";
import { Note } from "./note.tsx";
import { ToolCall } from "./tool-call.tsx";
import { useBounds } from "./use-bounds.ts";
import { useReading } from "./use-reading.ts";
import { useTarget } from "./use-target.ts";

interface ConversationProps {
  readonly agentKey: AgentKey | null;
  readonly className?: string | undefined;
}

/** What the selected agent says and does, as it says and does it. */
export function Conversation({ agentKey, className }: ConversationProps) {
  const loaded = useSession((session) => session.loaded);
  const agent = usePaced((session) => (agentKey === null ? undefined : session.view.agents.get(agentKey)));
  const { replace } = useQuery();
  const missing = loaded && agentKey !== null && agent === undefined;
  return (
    <Panel
      id="conversation"
      title={agent?.name ?? "Conversation"}
      className={className}
      aside={
        <>
          <Switcher selected={agentKey} />
          {agent !== undefined && <Summary agent={agent} />}
        </>
      }
    >
      {!loaded && <Skeleton label="Loading the conversation" rows={6} />}
      {loaded && agentKey === null && <Empty title="Nothing to read yet">Choose an agent once there is one.</Empty>}
      {missing && (
        <Empty title={`No agent ${agentKey}`}>
          It is not among the agents that the daemon knows.
          <br />
          <button type="button" onClick={() => replace({ id: null, message: null, at: null })}>
            Show the most active agent
          </button>
        </Empty>
      )}
      {agent !== undefined && <Transcript key={agentKey} agent={agent} />}
    </Panel>
  );
}

/** On a phone, in the place of the list of agents. */
function Switcher({ selected }: { readonly selected: AgentKey | null }) {
  const choices = useChoices();
  const { push } = useQuery();
  const listed = useMemo(
    () =>
      choices.map(({ key, name, status }) => (
        <option key={key} value={key}>
          {status === "online" ? name : `${name} (${STATUS_WORDS[status].toLowerCase()})`}
        </option>
      )),
    [choices],
  );
  if (choices.length < 2) return null;
  return (
    <select
      className={styles.switcher}
      aria-label="Show the conversation of"
      value={selected ?? ""}
      onChange={(event) => push({ id: event.target.value, message: null, at: null })}
    >
      {selected !== null && !choices.some(({ key }) => key === selected) && (
        <option value={selected}>{selected}</option>
      )}
      {listed}
    </select>
  );
}

function Summary({ agent }: { readonly agent: AgentView }) {
  const now = useServerNow();
  return (
    <span className={styles.summary}>
      <Status status={agent.status} title={agent.reason} />
      <span>{count(agent.counters.messages, "message")}</span>
      {agent.last_event_at !== null && <span>last event {ago(now - agent.last_event_at)}</span>}
    </span>
  );
}

function Transcript({ agent }: { readonly agent: AgentView }) {
  const conversation = useConversation(agent.gateway, agent.id);
  const { items, hasOlder, loading, problem, loadOlder, release } = conversation;
  const older = (): void => {
    if (hasOlder && !loading && problem === null) void loadOlder();
  };
  const reading = useReading(items, older);
  const target = useTarget(conversation, reading.show);
  useBounds(items, reading.following, target.seeking, release);
  const severalSessions = agent.sessions.length > 1;
  if (items.length === 0 && !hasOlder) {
    return loading ? (
      <Skeleton label="Loading the conversation" rows={6} />
    ) : (
      <Empty title="No messages yet">What {agent.name} says appears here while it is being written.</Empty>
    );
  }
  return (
    <div className={styles.frame}>
      <div
        ref={reading.scroller}
        className={styles.scroller}
        onScroll={reading.onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-labelledby="conversation"
      >
        <Beginning
          hasOlder={hasOlder}
          loading={loading}
          problem={problem?.message ?? null}
          onAsk={() => void loadOlder()}
        />
        <ol className={styles.items} data-testid="conversation" data-lines>
          {items.map((item) => (
            <Line
              key={item.key}
              item={item}
              target={item.key === target.key}
              agentName={agent.name}
              showSession={severalSessions}
            />
          ))}
        </ol>
      </div>
      {target.missing !== null && (
        <p className={styles.missing} role="status" data-testid="target-missing">
          What the address names is {target.missing}.
        </p>
      )}
      {!reading.atEnd && (
        <button type="button" className={styles.pill} onClick={reading.toEnd} data-testid="new-pill">
          <ArrowDownIcon />
          {reading.unseen > 0 ? `${reading.unseen} new` : "Latest"}
        </button>
      )}
    </div>
  );
}

interface LineProps {
  readonly item: Item;
  /** Whether the address names it. */
  readonly target: boolean;
  readonly agentName: string;
  readonly showSession: boolean;
}

/** Of hundreds of items one changes at a time, and only that is drawn again. */
const Line = memo(
  function Line({ item, target, agentName, showSession }: LineProps) {
    return (
      <li data-item={item.key} data-target={target} className={styles.item}>
        <Drawn item={item} agentName={agentName} showSession={showSession} />
      </li>
    );
  },
  (before, after) =>
    sameItem(before.item, after.item) &&
    before.target === after.target &&
    before.agentName === after.agentName &&
    before.showSession === after.showSession,
);

function Drawn({ item, agentName, showSession }: Omit<LineProps, "target">) {
  switch (item.type) {
    case "message":
      return <Message message={item.message} agentName={agentName} showSession={showSession} />;
    case "call":
      return <ToolCall call={item.call} />;
    case "note":
      return <Note event={item.event} />;
  }
}

interface BeginningProps {
  readonly hasOlder: boolean;
  readonly loading: boolean;
  readonly problem: string | null;
  readonly onAsk: () => void;
}

function Beginning({ hasOlder, loading, problem, onAsk }: BeginningProps) {
  return (
    <p className={styles.beginning} data-testid="beginning" data-more={hasOlder}>
      {problem !== null && `${problem} `}
      {loading ? (
        "Loading …"
      ) : hasOlder ? (
        <button type="button" className={styles.ask} onClick={onAsk}>
          Load older messages
        </button>
      ) : (
        "The beginning of this conversation"
      )}
    </p>
  );
}
