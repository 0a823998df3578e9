"use client";

import { activityOf, ago, span } from "../../lib/describe.ts";
import type { AgentStatus, AgentView } from "../../lib/protocol.ts";
import { usePaced, useSession } from "../../lib/react/index.ts";
import type { AgentKey } from "../../lib/view.ts";

/** An agent in plain words, so that a line is drawn again only when a word changes. */
export interface Words {
  readonly agentKey: AgentKey;
  readonly name: string;
  readonly status: AgentStatus;
  readonly reason: string;
  readonly doing: string;
  readonly pace: "idle" | "busy" | "stalled";
  readonly seen: string;
  readonly gateway: string;
  /** Whether its gateway's link is down, so that all this is old. */
  readonly stale: boolean;
}

/** `now`: the present second by the daemon's clock, in ms. */
export function useWords(agentKey: AgentKey, agent: AgentView, now: number): Words {
  const newest = usePaced((session) => session.view.conversations.get(agentKey)?.at(-1));
  const link = useSession((session) => session.view.gateways.get(agent.gateway)?.state ?? "connected");
  const doing = activityOf(agent.run, newest);
  const lasted = doing === null || doing.since === null ? 0 : now - doing.since;
  return {
    agentKey,
    name: agent.name,
    status: agent.status,
    reason: agent.reason,
    doing: doing === null ? "Idle" : lasted < 1_000 ? doing.words : `${doing.words} for ${span(lasted)}`,
    pace: doing === null ? "idle" : doing.stalled ? "stalled" : "busy",
    seen: agent.last_event_at === null ? "no event yet" : ago(now - agent.last_event_at),
    gateway: agent.gateway,
    stale: link !== "connected",
  };
}
