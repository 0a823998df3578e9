"use client";

import { useCallback, useMemo } from "react";
import type { AgentKey } from "../../lib/view.ts";
import { useStored } from "../hooks/use-stored.ts";

const KEY = "mission-control.pins";

/** The agents that this reader wants on top. */
export function usePins(): readonly [ReadonlySet<AgentKey>, (key: AgentKey) => void] {
  const [stored, setStored] = useStored(KEY);
  const pins = useMemo(() => new Set(read(stored)), [stored]);
  const toggle = useCallback(
    (key: AgentKey) => {
      const next = new Set(pins);
      if (!next.delete(key)) next.add(key);
      setStored(next.size === 0 ? null : JSON.stringify([...next]));
    },
    [pins, setStored],
  );
  return [pins, toggle];
}

function read(stored: string | null): readonly string[] {
  try {
    const value: unknown = JSON.parse(stored ?? "[]");
    return Array.isArray(value) ? value.filter((key) => typeof key === "string") : [];
  } catch {
    return []; // somebody else wrote there
  }
}
