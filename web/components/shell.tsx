import { Header } from "./header.tsx";
import { Panel, Skeleton } from "./panel.tsx";
import styles from "./shell.module.css";

/** What is on the screen before anything has run: the page's own shape. */
export function Shell() {
  return (
    <div className={styles.page}>
      <Header />
      <main className={styles.panels}>
        <Panel id="agents" title="Agents" className={styles.agents}>
          <Skeleton label="Loading agents" rows={5} />
        </Panel>
        <Panel id="conversation" title="Conversation" className={styles.conversation}>
          <Skeleton label="Loading the conversation" rows={6} />
        </Panel>
        <Panel id="feed" title="Activity" className={styles.feed}>
          <Skeleton label="Loading activity" rows={5} />
        </Panel>
      </main>
    </div>
  );
}
