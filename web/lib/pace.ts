/**
 * The session at reading speed. Some parts of it change with each frame of the stream, faster than anyone reads: lists
 * of agents, the feed, counts. They follow at most ten times a second, all at the same moment, so that what is read
 * as it is written gets the frames in between. Whatever is more than another frame of the stream is there at once.
 */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { SessionState } from "./session-state.ts";

/** How long what changes often stands still, in ms. */
export const PACE_MS = 100;

/** Follows `store` as long as that lives. `now` is any clock, in ms. */
export function paced(
  store: StoreApi<SessionState>,
  now: () => number = () => performance.now(),
): StoreApi<SessionState> {
  const follower = createStore<SessionState>(() => store.getState());
  let last = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const follow = (): void => {
    clearTimeout(timer);
    timer = undefined;
    last = now();
    follower.setState(store.getState(), true);
  };
  store.subscribe((state) => {
    const wait = last + PACE_MS - now();
    if (wait <= 0 || isTurn(follower.getState(), state)) follow();
    else timer ??= setTimeout(follow, wait);
  });
  return follower;
}

/** Whether more than the stream's content changed: a link, a snapshot, who looks. */
function isTurn(before: SessionState, after: SessionState): boolean {
  return (
    before.link !== after.link ||
    before.snapshots !== after.snapshots ||
    before.loaded !== after.loaded ||
    before.cursor?.epoch !== after.cursor?.epoch ||
    before.view.gateways !== after.view.gateways ||
    before.view.agents.size !== after.view.agents.size
  );
}
