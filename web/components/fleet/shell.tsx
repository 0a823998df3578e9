import { Panel, Skeleton } from "../ui/panel.tsx";
import styles from "./fleet.module.css";

/** What is there before anything has run: the view's own shape. */
export function FleetShell() {
  return (
    <div className={styles.view}>
      <Panel id="fleet" title="Fleet" className={styles.agents}>
        <Skeleton label="Loading agents" rows={6} />
      </Panel>
      <Panel id="feed" title="Activity" className={styles.activity}>
        <Skeleton label="Loading activity" rows={5} />
      </Panel>
    </div>
  );
}
