"use client";

import { useEffect } from "react";
import { useQuery } from "../hooks/use-query.ts";

/** `?wall=1`: for a big screen that nobody touches, larger and without what is for hands. */
export function WallMode() {
  const { params } = useQuery();
  const wall = params.get("wall") !== null;
  useEffect(() => {
    if (wall) document.documentElement.dataset.wall = "true";
    else delete document.documentElement.dataset.wall;
  }, [wall]);
  return null;
}
