"use client";

import { Panel } from "../ui/panel.tsx";
import { Supervision } from "./supervision.tsx";
import styles from "./system.module.css";

/** The daemon itself: what it is made of, and how its parts do. */
export function System() {
  return (
    <div className={styles.view}>
      <Panel id="supervision" title="Supervision tree" className={styles.tree}>
        <Supervision />
      </Panel>
    </div>
  );
}
