/** What a user may write with the types of both entries, and what not. */

import { decodeFrame, type MissionControl, type SessionState, type TokenSource } from "mission-control-client";
import { MissionControlProvider, useConversation, useSession } from "mission-control-client/react";
import type { ComponentProps } from "react";

type IsAny<T> = 0 extends 1 & T ? true : false;
const known: readonly [IsAny<MissionControl>, IsAny<SessionState>] = [false, false];
const hook: IsAny<ReturnType<typeof useConversation>> = false;
const props: ComponentProps<typeof MissionControlProvider>[] = [
  {},
  { token: "t" },
  { origin: "o", token: async () => null },
];
const source: TokenSource | undefined = props[0]?.token;
// @ts-expect-error a token is text
const wrong: TokenSource = 5;
// @ts-expect-error the session has no such thing
export const select = () => useSession((session) => session.nonsense);
export const all: unknown[] = [known, hook, source, wrong, decodeFrame("")?.malformed.toFixed()];
