"use client";

import { useRef } from "react";
import type { AgentStatus } from "../../lib/protocol.ts";
import { usePaced } from "../../lib/react/index.ts";
import type { AgentKey, View } from "../../lib/view.ts";

export interface AgentChoice {
  readonly key: AgentKey;
  readonly name: string;
  readonly status: AgentStatus;
}

/** The agents to choose from: the same list until one comes, goes or changes its name or status. */
export function useChoices(): readonly AgentChoice[] {
  const before = useRef<readonly AgentChoice[]>([]);
  return usePaced(({ view }) => {
    if (!same(before.current, view.agents)) {
      before.current = [...view.agents].map(([key, { name, status }]) => ({ key, name, status }));
    }
    return before.current;
  });
}

function same(choices: readonly AgentChoice[], agents: View["agents"]): boolean {
  return (
    choices.length === agents.size &&
    choices.every(({ key, name, status }) => {
      const agent = agents.get(key);
      return agent !== undefined && agent.name === name && agent.status === status;
    })
  );
}
