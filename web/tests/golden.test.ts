/**
 * Every script in tests/golden/session, which bind this client and any other to the protocol. Their format is described
 * in the README there.
 */

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { phase } from "../lib/session-state.ts";
import { Harness } from "./harness.ts";

interface Expectation {
  readonly phase?: string;
  readonly problem?: string;
  readonly cursor?: object | null;
  readonly hellos?: readonly (object | null)[];
  readonly pings?: number;
  readonly duplicates?: number;
  readonly gaps?: number;
  readonly malformed?: number;
  readonly notices?: readonly object[];
  readonly messages?: readonly object[];
  readonly agents?: readonly object[];
  readonly gateways?: readonly object[];
  readonly feed?: readonly (number | null)[];
}

interface ScriptInput {
  readonly at: number;
  readonly open?: true;
  readonly close?: number;
  readonly frame?: unknown;
  readonly text?: string;
  readonly expect?: Expectation;
}

interface Script {
  readonly name: string;
  readonly about: string;
  readonly inputs: readonly ScriptInput[];
  readonly expect: Expectation;
}

const DIRECTORY = new URL("../../tests/golden/session/", import.meta.url);

const scripts = readdirSync(DIRECTORY)
  .filter((name) => name.endsWith(".json"))
  .map((name) => JSON.parse(readFileSync(new URL(name, DIRECTORY), "utf8")) as Script);

function observed(session: Harness): Required<Expectation> {
  const { state } = session;
  return {
    phase: phase(state),
    problem: state.problem?.code ?? "",
    cursor: state.cursor,
    hellos: session.sent("hello").map((hello) => hello.cursor ?? null),
    pings: session.sent("ping").length,
    duplicates: state.duplicates,
    gaps: state.gaps,
    malformed: state.malformed,
    notices: state.notices,
    messages: [...state.view.agents.keys()].flatMap((agent) => state.view.conversations.get(agent) ?? []),
    agents: [...state.view.agents.values()],
    gateways: [...state.view.gateways.values()],
    feed: [...state.view.feed].map((event) => event.offset),
  };
}

function give(session: Harness, input: ScriptInput): void {
  if (input.open) session.give({ type: "opened" });
  if (input.close !== undefined) session.give({ type: "closed", code: input.close });
  if (input.frame !== undefined) session.give({ type: "frame", text: JSON.stringify(input.frame) });
  if (input.text !== undefined) session.give({ type: "frame", text: input.text });
  if (input.expect !== undefined) expect(observed(session)).toMatchObject(input.expect);
}

test("there are golden scripts", () => {
  expect(scripts.length).toBeGreaterThan(20);
});

test.each(scripts.map((script) => [script.name, script] as const))("%s", (_, script) => {
  const session = new Harness();
  const start = session.now;
  session.give({ type: "start", token: null });
  session.give({ type: "configured", config: { auth: { mode: "none" }, protocol: 1, source: "live" } });
  for (const input of script.inputs) {
    session.advance(start + input.at - session.now);
    give(session, input);
  }
  expect(observed(session)).toMatchObject(script.expect);
});
