"use client";

import { useEffect, useState } from "react";
import { CopyIcon } from "../ui/icons.tsx";
import styles from "./code-block.module.css";

const SHOWN_MS = 2_000;

export function CopyButton({ text }: { readonly text: string }) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("Not allowed: select it and copy"); // the page is not on loopback or HTTPS, or the reader said no
    }
  };
  return (
    <button type="button" className={styles.copy} onClick={() => void copy()} data-testid="copy">
      <CopyIcon />
      <span role="status">{said ?? "Copy"}</span>
    </button>
  );
}
