import { Panel, Skeleton } from "../ui/panel.tsx";
import styles from "./workspace.module.css";

/** What is there before anything has run: the view's own shape. */
export function AgentsShell() {
  return (
    <div className={styles.view}>
      <Panel id="agents" title="Agents" className={styles.agents}>
        <Skeleton label="Loading agents" rows={5} />
      </Panel>
      <Panel id="conversation" title="Conversation" className={styles.conversation}>
        <Skeleton label="Loading the conversation" rows={6} />
      </Panel>
      <Panel id="feed" title="Activity" className={styles.activity}>
        <Skeleton label="Loading activity" rows={5} />
      </Panel>
    </div>
  );
}
