"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import { useSession } from "../../lib/react/index.ts";
import type { AgentKey } from "../../lib/view.ts";
import { ArrowUpIcon, PauseIcon } from "../ui/icons.tsx";
import { Empty, Skeleton } from "../ui/panel.tsx";
import { Rows } from "../ui/rows.tsx";
import { useRows } from "../ui/use-rows.ts";
import styles from "./activity.module.css";
import { ActivityRow } from "./activity-row.tsx";
import type { Family } from "./kinds.ts";
import { type FeedRows, useFeed } from "./use-feed.ts";

const ROW_PX = 62;
/** So close to the end of what is loaded, the next page is asked for. */
const NEAR_ROWS = 20;

interface ListProps {
  readonly agent: AgentKey | null;
  readonly family: Family | null;
  /** What clears the filter, if there is one. */
  readonly onClear?: (() => void) | undefined;
  readonly labelledBy: string;
}

/**
 * What happens, newest on top. It stands still while somebody points at it, is in it with the keyboard, has opened a
 * line or has scrolled away, and says what waits.
 */
export function ActivityList({ agent, family, onClear, labelledBy }: ListProps) {
  const loaded = useSession((session) => session.loaded);
  const [pointed, setPointed] = useState(false);
  const [away, setAway] = useState(false);
  const [focused, setFocused] = useState(false);
  const [opened, setOpened] = useState<ReadonlySet<string>>(NOTHING);
  const scroller = useRef<HTMLDivElement>(null);
  const held = pointed || away || focused || opened.size > 0;
  const feed = useFeed(agent, family, held);
  const rows = useRows({
    count: feed.length,
    scroller,
    height: ROW_PX,
    keyOf: (index) => feed.at(index)?.event_id ?? index,
    overscan: 24,
  });
  const last = rows.getVirtualItems().at(-1)?.index ?? 0;
  const wanted = feed.hasOlder && !feed.loading && feed.problem === null && last >= feed.length - NEAR_ROWS;
  const { loadOlder } = feed;
  useEffect(() => {
    if (wanted) loadOlder();
  }, [wanted, loadOlder]);
  useEffect(() => {
    if (focused && scroller.current?.contains(document.activeElement) === false) setFocused(false); // its line is gone
  });
  const toTop = (): void => {
    setAway(false);
    setPointed(false);
    setFocused(false);
    setOpened(NOTHING);
    scroller.current?.scrollTo({ top: 0 });
    scroller.current?.dispatchEvent(new Event("scroll")); // told now: what is measured next must not scroll it back
  };
  const toggle = useCallback((id: string) => {
    setOpened((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);
  if (!loaded) return <Skeleton label="Loading activity" rows={5} />;
  if (feed.length === 0 && !feed.hasOlder) {
    return onClear === undefined ? (
      <Empty title="Nothing has happened yet">Runs, tools and failures appear here.</Empty>
    ) : (
      <Empty title="Nothing matches the filter">
        <button type="button" onClick={onClear}>
          Clear the filter
        </button>
      </Empty>
    );
  }
  if (feed.length === 0 && feed.problem === null) return <Skeleton label="Loading activity" rows={5} />;
  return (
    <div
      className={styles.frame}
      onPointerEnter={(event) => setPointed(event.pointerType === "mouse")}
      onPointerLeave={() => setPointed(false)}
    >
      {held && (
        <button
          type="button"
          className={styles.pill}
          data-testid="feed-waiting"
          data-waiting={feed.waiting}
          onClick={toTop}
        >
          {feed.waiting > 0 ? <ArrowUpIcon /> : <PauseIcon />}
          {feed.waiting > 0 ? `${feed.waiting.toLocaleString()} new` : "Paused"}
        </button>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: being in it only holds the lines still */}
      <div
        ref={scroller}
        className={styles.scroller}
        data-lines
        onFocus={(event) => setFocused(event.target.matches(":focus-visible"))}
        onBlur={() => setFocused(false)}
        onScroll={(event) => setAway(event.currentTarget.scrollTop > 4)}
      >
        <Rows rows={rows} as="ol" labelledBy={labelledBy}>
          {(index) => {
            const event = feed.at(index);
            if (event === undefined) return null;
            return <ActivityRow event={event} open={opened.has(event.event_id)} onToggle={toggle} />;
          }}
        </Rows>
        <End feed={feed} />
      </div>
    </div>
  );
}

const NOTHING: ReadonlySet<string> = new Set();

/** What is behind the last line. */
function End({ feed }: { readonly feed: FeedRows }) {
  const { loading, problem, hasOlder, full, length, loadOlder } = feed;
  return (
    <p className={styles.end} role="status">
      {loading && "Loading older …"}
      {problem !== null && (
        <>
          {problem.message}{" "}
          <button type="button" className={styles.again} onClick={loadOlder}>
            Try again
          </button>
        </>
      )}
      {!loading && !hasOlder && (full ? `The newest ${length.toLocaleString()} are shown` : "The beginning")}
    </p>
  );
}
