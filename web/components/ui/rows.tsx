import type { Virtualizer } from "@tanstack/react-virtual";
import type { ReactNode } from "react";
import styles from "./rows.module.css";

interface RowsProps {
  /** Which rows are drawn, and where: of `useRows`. */
  readonly rows: Virtualizer<HTMLElement, HTMLElement>;
  /** `ol` where the order of the rows says something. */
  readonly as?: "ul" | "ol";
  readonly labelledBy?: string;
  /** A row by its index; null where there is none any more. */
  readonly children: (index: number) => ReactNode | null;
}

/** The rows of a long list that are drawn, each in its place. */
export function Rows({ rows, as: List = "ul", labelledBy, children }: RowsProps) {
  const place = (list: HTMLElement | null): void => list?.style.setProperty("height", `${rows.getTotalSize()}px`);
  return (
    <List className={styles.list} aria-labelledby={labelledBy} ref={place}>
      {rows.getVirtualItems().map((item) => {
        const row = children(item.index);
        if (row === null) return null;
        return (
          <li
            key={item.key}
            ref={rows.measureElement}
            data-index={item.index}
            className={styles.item}
            style={{ transform: `translateY(${item.start}px)` }}
          >
            {row}
          </li>
        );
      })}
    </List>
  );
}
