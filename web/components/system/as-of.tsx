"use client";

import { span } from "../../lib/describe.ts";
import { useNow } from "../../lib/react/index.ts";
import type { Outdated } from "../hooks/polling.ts";
import styles from "./system.module.css";

/** How old figures are that could not be asked for anew, and why. It stands outside of them, and keeps its colour. */
export function AsOf({ outdated }: { readonly outdated: Outdated | null }) {
  const now = useNow();
  if (outdated === null) return null;
  const { at, problem } = outdated;
  return (
    <span className={styles.asOf} data-testid="as-of" role="status">
      <span aria-hidden="true">As of {span(now - at)} ago: </span>
      {problem.message}
    </span>
  );
}
