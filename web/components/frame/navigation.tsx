"use client";

import Link from "next/link";
import { usePathname } from "next/navigation";
import { useEffect, useState } from "react";
import { usePaced } from "../../lib/react/index.ts";
import type { SessionState } from "../../lib/session-state.ts";
import { ActivityIcon, AgentsIcon, FleetIcon, SystemIcon } from "../ui/icons.tsx";
import styles from "./navigation.module.css";

export const VIEWS = [
  { href: "/", label: "Fleet", key: "f", Icon: FleetIcon },
  { href: "/agents", label: "Agents", key: "a", Icon: AgentsIcon },
  { href: "/activity", label: "Activity", key: "e", Icon: ActivityIcon },
  { href: "/system", label: "System", key: "s", Icon: SystemIcon },
] as const;

const trouble = ({ view }: SessionState): number => {
  let sum = 0;
  for (const agent of view.agents.values()) if (agent.status !== "online" && agent.listed) sum += 1;
  return sum;
};

/** The other views are fetched ahead, so that they are there even when the daemon is not; but this one comes first. */
const AHEAD_AFTER_MS = 3_000;

function useAhead(): boolean {
  const [ahead, setAhead] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setAhead(true), AHEAD_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return ahead;
}

/** The views: a rail on a desktop, a bar under the thumb on a phone. */
export function Navigation() {
  const path = usePathname();
  const ahead = useAhead();
  const troubled = usePaced(trouble);
  return (
    <nav className={styles.nav} aria-label="Views">
      <ul className={styles.list}>
        {VIEWS.map(({ href, label, Icon }) => (
          <li key={href}>
            <Link
              className={styles.link}
              href={href}
              prefetch={ahead ? null : false}
              aria-current={path === href ? "page" : undefined}
            >
              <span className={styles.icon}>
                <Icon />
                {href === "/" && troubled > 0 && (
                  <span className={styles.count} title={`${troubled} not online`}>
                    {troubled > 99 ? "99+" : troubled}
                    <span className="visually-hidden"> not online</span>
                  </span>
                )}
              </span>
              {label}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
