"use client";

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Item } from "../../lib/timeline.ts";

/** How far from the end still counts as being there, in px. */
const NEAR = 48;
/** So close to the beginning, what is older is asked for. */
const NEAR_TOP = 600;

interface Reading {
  readonly scroller: RefObject<HTMLDivElement | null>;
  /** Whether the reader is at the end, as of now. */
  readonly following: RefObject<boolean>;
  /** The same as of the last rendering. */
  readonly atEnd: boolean;
  /** Items that began below since the reader left the end. */
  readonly unseen: number;
  readonly onScroll: () => void;
  readonly toEnd: () => void;
  /** Put an item in sight; gives whether it is there. */
  readonly show: (key: string) => boolean;
}

interface Anchor {
  readonly element: Element;
  readonly top: number;
}

/**
 * Keeps the end in view while the reader is there; otherwise nothing moves under the reader, whatever is put in before,
 * behind or between.
 */
export function useReading(items: readonly Item[], onNearTop: () => void): Reading {
  const scroller = useRef<HTMLDivElement>(null);
  // Read at once by the effect below, which may run before React has taken up the state that `onScroll` sets.
  const following = useRef(true);
  const anchor = useRef<Anchor | null>(null);
  const top = useRef(0);
  const [left, setLeft] = useState<{ readonly after: string | undefined } | null>(null);

  const newest = items.at(-1)?.key;
  /** Take in where the reader is now; the one place that says whether the end is followed. */
  const settle = useCallback(
    (box: HTMLDivElement, staysAtEnd: boolean) => {
      following.current = staysAtEnd || box.scrollHeight - box.scrollTop - box.clientHeight <= NEAR;
      top.current = box.scrollTop;
      anchor.current = following.current ? null : inSight(box);
      setLeft((old) => (following.current ? null : (old ?? { after: newest })));
    },
    [newest],
  );

  const toEnd = useCallback(() => {
    const box = scroller.current;
    if (box === null) return;
    box.scrollTo({ top: box.scrollHeight });
    settle(box, true);
  }, [settle]);

  const onScroll = useCallback(() => {
    const box = scroller.current;
    if (box === null) return;
    // Only who goes up leaves the end: what is drawn later than it was laid out moves the end away by itself.
    settle(box, following.current && box.scrollTop >= top.current);
    if (box.scrollTop < NEAR_TOP) onNearTop();
  }, [settle, onNearTop]);

  const show = useCallback(
    (key: string) => {
      const box = scroller.current;
      const element = box?.querySelector(`[data-item="${CSS.escape(key)}"]`);
      if (box === null || element === null || element === undefined) return false;
      element.scrollIntoView({ block: "center" });
      settle(box, false);
      if (!following.current) anchor.current = { element, top: topOf(box, element) };
      return true;
    },
    [settle],
  );

  const empty = items.length === 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the box is there with the first item
  useEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const grown = new ResizeObserver(() => keep(box, following.current, anchor.current));
    for (const inside of [box, ...box.children]) grown.observe(inside);
    return () => grown.disconnect();
  }, [empty]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: any change of the items may have moved what is in sight
  useLayoutEffect(() => {
    if (scroller.current !== null) keep(scroller.current, following.current, anchor.current);
  }, [items]);

  const last = left === null ? -1 : items.findLastIndex((item) => item.key === left.after);
  const unseen = left === null ? 0 : items.length - 1 - last;
  return { scroller, following, atEnd: left === null, unseen, onScroll, toEnd, show };
}

/** Whatever has grown or come: the end stays in sight for who is there, and for others what they read. */
function keep(box: Element, following: boolean, anchor: Anchor | null): void {
  if (following) box.scrollTop = box.scrollHeight;
  else if (anchor?.element.isConnected) box.scrollTop += topOf(box, anchor.element) - anchor.top;
}

const topOf = (box: Element, element: Element): number =>
  element.getBoundingClientRect().top - box.getBoundingClientRect().top;

/** The first item that is in sight, and where it stands. */
function inSight(box: Element): Anchor | null {
  for (const element of box.querySelectorAll("[data-item]")) {
    if (element.getBoundingClientRect().bottom > box.getBoundingClientRect().top) {
      return { element, top: topOf(box, element) };
    }
  }
  return null;
}
