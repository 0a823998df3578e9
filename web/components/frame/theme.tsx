"use client";

import { useEffect } from "react";
import { useStored } from "../hooks/use-stored.ts";
import { AutoIcon, MoonIcon, SunIcon } from "../ui/icons.tsx";
import styles from "./header.module.css";
import { THEME_KEY } from "./theme-script.ts";

const NEXT: Readonly<Record<string, string | null>> = { "": "light", light: "dark", dark: null };
const WORDS: Readonly<Record<string, string>> = { "": "as your system", light: "light", dark: "dark" };

/** Light, dark, or as the reader's system prefers. */
export function ThemeButton() {
  const [theme, setTheme] = useStored(THEME_KEY);
  const chosen = theme === "light" || theme === "dark" ? theme : "";
  useEffect(() => {
    if (chosen === "") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
  }, [chosen]);
  const label = `Theme: ${WORDS[chosen]}. Change`;
  return (
    <button
      type="button"
      className={styles.tool}
      aria-label={label}
      title={label}
      data-testid="theme"
      onClick={() => setTheme(NEXT[chosen] ?? null)}
    >
      {chosen === "light" ? <SunIcon /> : chosen === "dark" ? <MoonIcon /> : <AutoIcon />}
    </button>
  );
}
