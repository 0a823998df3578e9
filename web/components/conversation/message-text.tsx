"use client";

import { useSyncExternalStore } from "react";
import styles from "./markdown.module.css";

/* What reads Markdown is a third of this view's code. It is asked for as soon as the view's own code runs, and until it
 * is there, which is before the first message as a rule, a message is shown as it was written. */

type Drawer = typeof import("./markdown.tsx").MarkdownText;

let drawer: Drawer | null = null;
let asking = false;
const waiting = new Set<() => void>();

function ask(): void {
  if (asking || typeof window === "undefined") return;
  asking = true;
  import("./markdown.tsx").then(
    ({ MarkdownText }) => {
      drawer = MarkdownText;
      for (const tell of waiting) tell();
    },
    () => {
      asking = false; // the daemon is away: the next message asks again
    },
  );
}

function subscribe(tell: () => void): () => void {
  waiting.add(tell);
  if (drawer === null) ask();
  return () => waiting.delete(tell);
}

ask();

/** A message of an agent, as Markdown. */
export function MessageText(message: { readonly text: string; readonly streaming: boolean }) {
  const Drawer = useSyncExternalStore(
    subscribe,
    () => drawer,
    () => null,
  );
  return Drawer === null ? <div className={styles.written}>{message.text}</div> : <Drawer {...message} />;
}
