import { Panel, Skeleton } from "../ui/panel.tsx";
import styles from "./activity.module.css";

/** What is there before anything has run. */
export function ActivityShell() {
  return (
    <div className={styles.view}>
      <Panel id="feed" title="Activity" className={styles.panel}>
        <Skeleton label="Loading activity" rows={6} />
      </Panel>
    </div>
  );
}
