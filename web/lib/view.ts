/**
 * What an operator sees of gateways, agents, conversations and activity at one cursor: the client's copy of the state
 * that a snapshot holds. Immutable; `fold.ts` makes the next one.
 */

import type { ActivityEvent, AgentView, GatewayView, MessageView, SnapshotFrame } from "./protocol.ts";
import { Strip } from "./strip.ts";

/** A message with what only an incremental reader needs. */
export interface Message extends MessageView {
  /** Length of `text` in Unicode code points while streaming: where the next chunk must start. */
  readonly points: number;
}

/** An agent's identity in one string: its gateway and its id there. */
export type AgentKey = string;

/** Gateways, agents, conversations and activity at one cursor. */
export interface View {
  /** By id. */
  readonly gateways: ReadonlyMap<string, GatewayView>;
  readonly agents: ReadonlyMap<AgentKey, AgentView>;
  /** Per agent, ordered by (timestamp, offset): the newest 200, and those still open. */
  readonly conversations: ReadonlyMap<AgentKey, readonly Message[]>;
  /** The newest activities of all agents, oldest first; at least 5,000 of them, if there were so many. */
  readonly feed: Strip<ActivityEvent>;
}

export const EMPTY_VIEW: View = {
  gateways: new Map(),
  agents: new Map(),
  conversations: new Map(),
  feed: Strip.of([]),
};

/** The key of an agent in `View.agents` and `View.conversations`. */
export function agentKey(gateway: string, agentId: string): AgentKey {
  return `${gateway}/${agentId}`;
}

/** The two parts of an agent's key. A gateway's id has no slash, an agent's may. */
export function partsOf(key: AgentKey): { readonly gateway: string; readonly agent: string } {
  const at = key.indexOf("/");
  return { gateway: key.slice(0, at), agent: key.slice(at + 1) };
}

/** Where a message stands in its conversation: by when it began, then by its place in the journal. */
export function inOrder(a: MessageView, b: MessageView): number {
  return a.timestamp - b.timestamp || a.offset - b.offset;
}

export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

export function viewOf(snapshot: SnapshotFrame): View {
  const conversations = new Map<AgentKey, Message[]>();
  for (const view of snapshot.messages) {
    const key = agentKey(view.gateway, view.agent_id);
    const message: Message = { ...view, points: view.state === "streaming" ? codePoints(view.text) : 0 };
    const list = conversations.get(key);
    if (list === undefined) conversations.set(key, [message]);
    else list.push(message);
  }
  for (const list of conversations.values()) list.sort(inOrder);
  return {
    gateways: new Map(snapshot.gateways.map((view) => [view.id, view])),
    agents: new Map(snapshot.agents.map((view) => [agentKey(view.gateway, view.id), view])),
    conversations,
    feed: Strip.of(snapshot.feed),
  };
}
