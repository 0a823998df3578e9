"use client";

import { memo } from "react";
import Markdown, { type Components, type Options } from "react-markdown";
import rehypeSanitize from "rehype-sanitize";
import remarkGfm from "remark-gfm";
import { CodeBlock } from "./code-block.tsx";
import styles from "./markdown.module.css";
import { segments } from "./segments.ts";

/* What an agent writes is not trusted: HTML in it is text, links lead only to the web, and nothing is loaded. */

const REMARK: Options["remarkPlugins"] = [remarkGfm, htmlAsText];
const REHYPE: Options["rehypePlugins"] = [rehypeSanitize];

/** The sanitizer admits more: chats, and addresses without a scheme, which lead into the daemon's own pages. */
const TO_THE_WEB = /^(https?:\/\/|mailto:)/;

const COMPONENTS: Components = {
  a: ({ href, children }) =>
    href === undefined || !TO_THE_WEB.test(href) ? (
      <span className={styles.inert}>{children}</span>
    ) : (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>
        {children}
      </a>
    ),
  img: ({ src, alt }) => (
    <span className={styles.inert} data-testid="inert-image" title={typeof src === "string" ? src : undefined}>
      [image{alt === undefined || alt === "" ? "" : `: ${alt}`}, not loaded]
    </span>
  ),
  pre: ({ children }) => <>{children}</>,
  code: ({ className, children }) => {
    const text = String(children ?? "");
    const language = /language-([\w+#-]+)/.exec(className ?? "")?.[1];
    if (language === undefined && !text.endsWith("\n")) return <code className={styles.code}>{children}</code>;
    return <CodeBlock language={language ?? null} text={text.replace(/\n$/, "")} />;
  },
  table: ({ children }) => (
    <div className={styles.table}>
      <table>{children}</table>
    </div>
  ),
};

interface Node {
  type: string;
  children?: Node[];
}

/** What looks like HTML is shown as it was written, so that nothing of a message is hidden. */
function htmlAsText(): (tree: Node) => void {
  const visit = (node: Node): void => {
    if (node.type === "html") node.type = "text";
    for (const child of node.children ?? []) visit(child);
  };
  return visit;
}

const Part = memo(function Part({ text }: { readonly text: string }) {
  return (
    <Markdown remarkPlugins={REMARK} rehypePlugins={REHYPE} components={COMPONENTS}>
      {text}
    </Markdown>
  );
});

/** A message of an agent. While it streams, what is finished of it is not parsed again. */
export function MarkdownText({ text, streaming }: { readonly text: string; readonly streaming: boolean }) {
  const parts = streaming ? segments(text) : [text];
  return (
    <div className={styles.markdown} data-streaming={streaming}>
      {parts.map((part, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts are only ever added at the end
        <Part key={place} text={part} />
      ))}
    </div>
  );
}
