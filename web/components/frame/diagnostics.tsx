"use client";

import { useEffect } from "react";
import { useMission } from "../../lib/react/index.ts";
import type { Diagnostics as Figures } from "../../lib/store.ts";

declare global {
  interface Window {
    __missionControl?: Figures;
  }
}

/** What tests and operators may look at in the console. Not the library's to set: there it would be in another's page. */
export function Diagnostics() {
  const { diagnostics } = useMission();
  useEffect(() => {
    window.__missionControl = diagnostics;
  }, [diagnostics]);
  return null;
}
