"use client";

import type { ReactNode, RefObject } from "react";
import styles from "./dialog.module.css";
import { CloseIcon } from "./icons.tsx";

interface DialogProps {
  readonly ref: RefObject<HTMLDialogElement | null>;
  readonly title: string;
  readonly testId: string;
  readonly onClose?: () => void;
  readonly children: ReactNode;
}

/** A modal: `ref.current.showModal()` opens it; Escape, its button and a click beside it close it. */
export function Dialog({ ref, title, testId, onClose, children }: DialogProps) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same for the keyboard
    <dialog
      ref={ref}
      className={styles.dialog}
      aria-label={title}
      data-testid={testId}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close();
      }}
    >
      <div className={styles.body}>
        <header className={styles.header}>
          <h2 className={styles.title}>{title}</h2>
          <button type="button" className={styles.close} aria-label="Close" onClick={() => ref.current?.close()}>
            <CloseIcon />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
