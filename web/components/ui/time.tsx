"use client";

import { memo } from "react";
import { dayOf, useToday } from "../hooks/use-today.ts";

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const DATED = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** A moment in the reader's own format, with its date unless that is today's, and with the whole of it on hover. */
export const Time = memo(function Time({ at }: { readonly at: number }) {
  const today = useToday();
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={FULL.format(date)}>
      {(dayOf(at) === today ? CLOCK : DATED).format(date)}
    </time>
  );
});
