"use client";

import { useEffect, useState } from "react";
import type { Conversation } from "../../lib/react/index.ts";
import type { Item } from "../../lib/timeline.ts";
import { useQuery } from "../hooks/use-query.ts";

/** No further back than this is looked: each item that is passed is in the document. */
const FURTHEST = 2_000;

interface Target {
  /** The item that the address names, once it is in sight. */
  readonly key: string | null;
  /** Whether it is still being looked for. */
  readonly seeking: boolean;
  /** Why it was not found. */
  readonly missing: string | null;
}

interface Found {
  readonly wanted: string;
  readonly key: string | null;
  readonly missing: string | null;
}

/**
 * The item that the address names, by a message's id or by a time: older pages are asked for until it is here, and it is
 * put in sight once.
 */
export function useTarget(conversation: Conversation, show: (key: string) => boolean): Target {
  const { items, hasOlder, loading, problem, loadOlder } = conversation;
  const { params } = useQuery();
  const message = params.get("message");
  const time = Number.parseInt(params.get("at") ?? "", 10);
  const wanted = message ?? (Number.isNaN(time) ? null : String(time));
  const [found, setFound] = useState<Found | null>(null);
  const seeking = wanted !== null && found?.wanted !== wanted;
  useEffect(() => {
    if (!seeking || loading || problem !== null || items.length === 0) return;
    const item = message === null ? begunBy(items, time) : items.find(({ key }) => key === message);
    const perhapsOlder = item === undefined || (message === null && item === items[0]);
    if (perhapsOlder && hasOlder && items.length < FURTHEST) {
      void loadOlder();
    } else if (item === undefined) {
      setFound({ wanted, key: null, missing: hasOlder ? "further back than was looked" : "not in this conversation" });
    } else if (show(item.key)) {
      setFound({ wanted, key: item.key, missing: null });
    }
  }, [seeking, wanted, message, time, items, hasOlder, loading, problem, loadOlder, show]);
  if (found === null || found.wanted !== wanted) return { key: null, seeking, missing: null };
  return { key: found.key, seeking, missing: found.missing };
}

/** What had begun last at that time. */
function begunBy(items: readonly Item[], at: number): Item | undefined {
  return items.findLast((item) => item.at <= at) ?? items[0];
}
