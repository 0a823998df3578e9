import type { ReactNode } from "react";
import { cx } from "./cx.ts";
import styles from "./panel.module.css";

interface PanelProps {
  readonly id: string;
  readonly title: string;
  readonly aside?: ReactNode;
  readonly className?: string | undefined;
  readonly children: ReactNode;
}

/** One of the page's regions: a heading, something beside it, and a body that scrolls by itself. */
export function Panel({ id, title, aside, className, children }: PanelProps) {
  return (
    <section className={cx(styles.panel, className)} aria-labelledby={id}>
      <header className={styles.header}>
        <h2 id={id} className={styles.title}>
          {title}
        </h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <p className={styles.emptyTitle}>{title}</p>
      {children !== undefined && <div className={styles.emptyText}>{children}</div>}
    </div>
  );
}

const LINES = ["a", "b", "c", "d", "e", "f"] as const;

/** Grey lines in the place of what is still loading. */
export function Skeleton({ label, rows }: { readonly label: string; readonly rows: 3 | 4 | 5 | 6 }) {
  return (
    <div className={styles.skeleton} role="status">
      <span className={styles.hidden}>{label}</span>
      {LINES.slice(0, rows).map((line) => (
        <div key={line} className={styles.bone} aria-hidden="true">
          <span />
          <span />
        </div>
      ))}
    </div>
  );
}
