"use client";

import { useStore } from "zustand";
import type { StoreApi } from "zustand/vanilla";
import { paced } from "../pace.ts";
import type { SessionState } from "../session-state.ts";
import { useMission } from "./provider.tsx";

const followers = new WeakMap<StoreApi<SessionState>, StoreApi<SessionState>>();

function followerOf(store: StoreApi<SessionState>): StoreApi<SessionState> {
  let follower = followers.get(store);
  if (follower === undefined) {
    follower = paced(store);
    followers.set(store, follower);
  }
  return follower;
}

/** The session at reading speed, for what follows it without a component. */
export function usePacedStore(): StoreApi<SessionState> {
  return followerOf(useMission().store);
}

/** As `useSession`, for what changes with each frame: renders again a few times a second. */
export function usePaced<T>(select: (session: SessionState) => T): T {
  return useStore(usePacedStore(), select);
}
