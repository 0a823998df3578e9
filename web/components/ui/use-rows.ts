"use client";

import { measureElement, useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useRef } from "react";

/** Of more rows than this the heights are not kept: a feed has no end of them. */
const MOST_MEASURED = 4_000;

interface RowsOptions {
  readonly count: number;
  readonly scroller: RefObject<HTMLElement | null>;
  /** Height of a row before any is measured, in px; from then on the others are taken to be as high as the first. */
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
  const usual = useRef<number | null>(null);
  const rows = useVirtualizer<HTMLElement, HTMLElement>({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => usual.current ?? height,
    // A row that is as high as it was taken to be costs nothing more; any other has all rows placed again.
    measureElement: (element, entry, instance) => {
      const size = measureElement(element, entry, instance);
      if (size > 0) usual.current ??= size;
      return size;
    },
    getItemKey: keyOf,
    overscan,
  });
  useEffect(() => forget(rows));
  return rows;
}

/** Let go of the heights that were measured first, but for rows that are drawn. */
function forget(rows: Virtualizer<HTMLElement, HTMLElement>): void {
  const sizes = rows.itemSizeCache;
  if (sizes.size <= MOST_MEASURED) return;
  const drawn = new Set(rows.getVirtualItems().map(({ key }) => key));
  for (const key of sizes.keys()) {
    if (sizes.size <= MOST_MEASURED / 2) return;
    if (!drawn.has(key)) sizes.delete(key);
  }
}
