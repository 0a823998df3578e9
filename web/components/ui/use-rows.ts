"use client";

import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import type { RefObject } from "react";

interface RowsOptions {
  readonly count: number;
  readonly scroller: RefObject<HTMLElement | null>;
  /** Height of a row before it is measured, in px. */
  readonly height: number;
  readonly keyOf: (index: number) => string | number;
  /** How many rows are drawn beyond what is in sight, either way. */
  readonly overscan?: number;
}

/** Of a long list only the rows in sight are in the document, and some around them. */
export function useRows({
  count,
  scroller,
  height,
  keyOf,
  overscan = 12,
}: RowsOptions): Virtualizer<HTMLElement, HTMLElement> {
  return useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: keyOf,
    overscan,
  });
}
