"use client";

import { toJsxRuntime } from "hast-util-to-jsx-runtime";
import { memo, type ReactNode, useEffect, useState } from "react";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";
import styles from "./code-block.module.css";
import { CopyButton } from "./copy-button.tsx";

/** Longer ones are shown as they are: to colour them would hold the page up. */
const MOST = 30_000;

/** Code with its language, coloured as soon as the highlighter is loaded, and a button that copies it. */
export const CodeBlock = memo(function CodeBlock({
  language,
  text,
}: {
  readonly language: string | null;
  readonly text: string;
}) {
  const coloured = useColoured(language, text);
  return (
    <div className={styles.block} data-testid="code-block">
      <div className={styles.bar}>
        <span>{language ?? "code"}</span>
        <CopyButton text={text} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre className={styles.code} tabIndex={0}>
        <code>{coloured ?? text}</code>
      </pre>
    </div>
  );
});

function useColoured(language: string | null, text: string): ReactNode | null {
  const [coloured, setColoured] = useState<{ readonly of: string; readonly node: ReactNode } | null>(null);
  useEffect(() => {
    if (language === null || text.length > MOST) return;
    let meant = true;
    void import("./highlighter.ts").then(({ lowlight }) => {
      if (!meant || !lowlight.registered(language)) return;
      const node = toJsxRuntime(lowlight.highlight(language, text), { Fragment, jsx, jsxs });
      setColoured({ of: text, node });
    });
    return () => {
      meant = false;
    };
  }, [language, text]);
  return coloured?.of === text ? coloured.node : null;
}
