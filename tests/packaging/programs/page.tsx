/** A page of another origin, whose daemon stands in its address. The test sets `give`, and reads what is shown. */

"use client";

import { MissionControlProvider, useSession } from "mission-control-client/react";
import { Agents } from "../components/agents";

declare global {
  interface Window {
    /** What the app answers when it is asked for a token; null makes it fail. */
    give: string | null;
    asked: number;
  }
}

async function token(): Promise<string> {
  window.asked += 1;
  if (window.give === null) throw new Error("no luck");
  return window.give;
}

const daemon = () => new URLSearchParams(window.location.search).get("daemon") ?? undefined;

function Link() {
  const link = useSession((session) => session.link);
  const code = useSession((session) => session.problem?.code);
  return <p id="link">{[link, code].join(" ").trim()}</p>;
}

export default function Page() {
  return (
    <MissionControlProvider origin={typeof window === "undefined" ? undefined : daemon()} token={token}>
      <Link />
      <Agents />
    </MissionControlProvider>
  );
}
