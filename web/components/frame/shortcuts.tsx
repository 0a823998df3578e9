"use client";

import { useRouter } from "next/navigation";
import { useEffect, useRef } from "react";
import { hrefTo, useQuery } from "../hooks/use-query.ts";
import { HELP_EVENT } from "./help.tsx";
import { VIEWS } from "./navigation.tsx";

/** How long after `g` a view's letter counts. */
const CHORD_MS = 1_500;

/** The keys that work everywhere. Lines that `j` and `k` go through carry `data-line`, fields for `/` `data-filter`. */
export function Shortcuts() {
  const router = useRouter();
  const { params, replace } = useQuery();
  const wall = params.get("wall") !== null;
  const chord = useRef(0);

  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open]") !== null) return;
      const target = event.target as HTMLElement;
      if (target.closest("input, select, textarea, [contenteditable]") !== null) {
        if (event.key === "Escape") target.blur();
        return;
      }
      const follows = performance.now() - chord.current < CHORD_MS;
      chord.current = 0;
      const view = follows ? VIEWS.find(({ key }) => key === event.key) : undefined;
      if (view !== undefined) router.push(hrefTo(view.href, wall ? { wall: "1" } : {}));
      else if (event.key === "g") chord.current = performance.now();
      else if (event.key === "?") window.dispatchEvent(new Event(HELP_EVENT));
      else if (event.key === "/") document.querySelector<HTMLElement>("[data-filter]")?.focus();
      else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
      else if (event.key === "w") replace({ wall: wall ? null : "1" });
      else if (event.key === "Escape" && wall) replace({ wall: null });
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [router, replace, wall]);
  return null;
}

/** Focus the line after or before the one that has it; without one, the first. */
function step(by: 1 | -1): void {
  const lines = [...document.querySelectorAll<HTMLElement>("main [data-line]")].filter(
    (line) => line.closest("[data-lines]") !== null,
  );
  const at = lines.indexOf(document.activeElement as HTMLElement);
  const group =
    at < 0 ? lines : lines.filter((line) => line.closest("[data-lines]") === lines[at]?.closest("[data-lines]"));
  const next = at < 0 ? group[0] : group[group.indexOf(lines[at] as HTMLElement) + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
