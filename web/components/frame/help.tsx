"use client";

import { useEffect, useRef } from "react";
import { Dialog } from "../ui/dialog.tsx";
import { HelpIcon } from "../ui/icons.tsx";
import styles from "./header.module.css";
import help from "./help.module.css";
import { VIEWS } from "./navigation.tsx";

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "Filter or search in this view"],
  ["j  k", "Next, previous line"],
  ["Enter", "Open the line"],
  ...VIEWS.map(({ key, label }) => [`g  ${key}`, `Go to ${label}`] as const),
  ["w", "Wall mode: this view for a big screen"],
  ["?", "This help"],
  ["Esc", "Close, or leave a field"],
];

/** Asks whoever shows the help to do so. */
export const HELP_EVENT = "mission-control:help";

export function HelpButton() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const show = (): void => dialog.current?.showModal();
    window.addEventListener(HELP_EVENT, show);
    return () => window.removeEventListener(HELP_EVENT, show);
  }, []);
  return (
    <>
      <button
        type="button"
        className={styles.tool}
        data-for="keyboard"
        aria-label="Keyboard help"
        title="Keyboard help (?)"
        onClick={() => dialog.current?.showModal()}
      >
        <HelpIcon />
      </button>
      <Dialog ref={dialog} title="Keyboard" testId="help">
        <dl className={help.keys}>
          {KEYS.map(([keys, what]) => (
            <div key={keys} className={help.entry}>
              <dt>
                {keys.split("  ").map((key) => (
                  <kbd key={key} className={help.key}>
                    {key}
                  </kbd>
                ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </Dialog>
    </>
  );
}
