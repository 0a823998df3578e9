"use client";

import { type ReactNode, Suspense, useState } from "react";
import { useSession } from "../../lib/react/index.ts";
import { phase } from "../../lib/session-state.ts";
import { Banners } from "./banners.tsx";
import { BrowserTab } from "./browser-tab.tsx";
import styles from "./frame.module.css";
import { type Gate, gateOf } from "./gate.ts";
import { Header } from "./header.tsx";
import { Navigation } from "./navigation.tsx";
import { Refused } from "./refused.tsx";
import { Shortcuts } from "./shortcuts.tsx";
import { SignIn } from "./sign-in.tsx";
import { Trust } from "./trust.tsx";
import { WallMode } from "./wall.tsx";

/** What is around every view: where one is, whether it is current, and what to do if it is not. */
export function Frame({ children }: { readonly children: ReactNode }) {
  const link = useSession((session) => session.link);
  const loaded = useSession((session) => session.loaded);
  const stale = useSession((session) => session.loaded && phase(session) !== "connected");
  const [before, setGate] = useState<Gate>(null);
  const gate = gateOf(before, { link, loaded });
  if (gate !== before) setGate(gate);
  if (gate !== null) {
    return (
      <div className={styles.page}>
        <Header />
        {gate === "refused" ? <Refused /> : <SignIn />}
        <BrowserTab />
      </div>
    );
  }
  return (
    <div className={styles.page}>
      <a className={styles.skip} href="#view">
        Skip to the view
      </a>
      <Header />
      <div className={styles.body}>
        <Navigation />
        <div className={styles.column}>
          <Banners />
          <main id="view" className={styles.view} data-stale={stale} tabIndex={-1}>
            {children}
          </main>
          <Trust />
        </div>
      </div>
      <BrowserTab />
      <Suspense>
        <WallMode />
        <Shortcuts />
      </Suspense>
    </div>
  );
}
