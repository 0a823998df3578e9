"use client";

import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from "react";
import type { Message } from "../lib/view.ts";

/** How far from the end still counts as being there, in px. */
const NEAR = 48;

interface Stick {
  readonly scroller: RefObject<HTMLDivElement | null>;
  /** Whether the reader is at the end. */
  readonly atEnd: boolean;
  /** Messages that began below since the reader left the end. */
  readonly unseen: number;
  readonly onScroll: () => void;
  readonly toEnd: () => void;
}

/** Keeps the end in view while the reader is there, and leaves the reader alone otherwise. */
export function useStickToBottom(messages: readonly Message[]): Stick {
  const scroller = useRef<HTMLDivElement>(null);
  // Read at once by the effect below, which may run before React has taken up the state that `onScroll` sets.
  const following = useRef(true);
  const [left, setLeft] = useState<{ readonly after: string | undefined } | null>(null);

  const toEnd = useCallback(() => {
    following.current = true;
    setLeft(null);
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, []);

  const newest = messages.at(-1)?.message_id;
  const onScroll = useCallback(() => {
    const box = scroller.current;
    if (box === null) return;
    following.current = box.scrollHeight - box.scrollTop - box.clientHeight <= NEAR;
    setLeft((old) => (following.current ? null : (old ?? { after: newest })));
  }, [newest]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: any change of the messages may have moved the end
  useLayoutEffect(() => {
    if (following.current) scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, [messages]);

  const last = left === null ? -1 : messages.findLastIndex((message) => message.message_id === left.after);
  const unseen = left === null ? 0 : messages.length - 1 - last;
  return { scroller, atEnd: left === null, unseen, onScroll, toEnd };
}
