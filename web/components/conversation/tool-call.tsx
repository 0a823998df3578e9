"use client";

import { memo, useId, useState } from "react";
import { span } from "../../lib/describe.ts";
import { useServerNow } from "../../lib/react/index.ts";
import { type ToolCall as Call, type CallState, sameCall } from "../../lib/timeline.ts";
import { ChevronIcon, WrenchIcon } from "../ui/icons.tsx";
import { Json } from "../ui/json.tsx";
import { Time } from "../ui/time.tsx";
import styles from "./tool-call.module.css";

const WORDS: Readonly<Record<CallState, string>> = {
  running: "running",
  finished: "done",
  failed: "failed",
  unknown: "end not told",
};

/** A tool call in one line, and on request with what it was given and what it gave. */
export const ToolCall = memo(
  function ToolCall({ call }: { readonly call: Call }) {
    const [open, setOpen] = useState(false);
    const id = useId();
    return (
      <div className={styles.call} data-testid="tool-call" data-state={call.state} data-tool={call.tool}>
        <button
          type="button"
          className={styles.line}
          aria-expanded={open}
          aria-controls={id}
          data-line
          onClick={() => setOpen(!open)}
        >
          <span className={styles.chevron} data-open={open}>
            <ChevronIcon />
          </span>
          <WrenchIcon />
          <b className={styles.tool}>{call.tool}</b>
          <span className={styles.brief}>{brief(call.arguments)}</span>
          <span className={styles.state}>
            {WORDS[call.state]}
            <Duration call={call} />
          </span>
        </button>
        {open && (
          <div id={id} className={styles.body}>
            <p className={styles.times}>
              Began <Time at={call.startedAt} />
              {call.endedAt !== null && (
                <>
                  , ended <Time at={call.endedAt} />
                </>
              )}
            </p>
            <Part name="Arguments" value={call.arguments} />
            <Part name={call.state === "running" ? "Reported so far" : "Result"} value={call.result} />
          </div>
        )}
      </div>
    );
  },
  (before, after) => sameCall(before.call, after.call),
);

function Part({ name, value }: { readonly name: string; readonly value: unknown }) {
  return (
    <section>
      <h3 className={styles.part}>{name}</h3>
      {value === undefined ? <p className={styles.nothing}>Not told.</p> : <Json value={readable(value)} />}
    </section>
  );
}

function Duration({ call }: { readonly call: Call }) {
  if (call.state === "running") return <Running since={call.startedAt} />;
  const took = call.durationMs ?? (call.endedAt === null ? null : call.endedAt - call.startedAt);
  return took === null ? null : <span> in {took < 1_000 ? `${took} ms` : `${(took / 1_000).toFixed(1)} s`}</span>;
}

function Running({ since }: { readonly since: number }) {
  const now = useServerNow();
  return <span> for {span(now - since)}</span>;
}

/** The first argument that says something, in one line. */
function brief(args: unknown): string {
  if (typeof args === "string") return args.slice(0, 120);
  if (typeof args !== "object" || args === null) return "";
  const words = Object.values(args).find((value) => typeof value === "string" && value !== "");
  return typeof words === "string" ? words.replaceAll("\n", " ").slice(0, 120) : "";
}

/** A gateway's result is a list of parts with text, and what it adds to it; most say all in one text. */
function readable(value: unknown): unknown {
  const { content } = (typeof value === "object" && value !== null ? value : {}) as { content?: unknown };
  if (!Array.isArray(content) || content.length === 0) return value;
  const texts = content.map((part: { text?: unknown }) => part?.text);
  return texts.every((text) => typeof text === "string") ? texts.join("\n") : value;
}
