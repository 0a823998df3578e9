/** The heart of the package where there is no browser: a session from its start to the first words of a message. */

import { agentKey, decodeFrame, INITIAL, overall, reduce } from "mission-control-client";

const now = 1_000_000;
let state = INITIAL;
const effects = [];

function give(input) {
  const step = reduce(state, { ...input, now }, () => 0);
  state = step.state;
  effects.push(...step.effects.map(({ type }) => type));
}

const cursor = { epoch: "e", offset: 7 };
const welcome = {
  op: "welcome",
  protocol: 1,
  session: "s",
  resume: "snapshot",
  reason: "first",
  cursor,
  server_time: now,
  policy: { ping_interval_ms: 10_000 },
  source: "live",
};
const snapshot = { op: "snapshot", reason: "first", cursor, gateways: [], agents: [], messages: [], feed: [] };
const chunk = {
  event_id: "x",
  timestamp: now,
  agent_id: "atlas",
  type: "conversation.chunk",
  payload: { message_id: "m", run_id: "r", session: "s", role: "assistant", index: 0, start: 0, delta: "Hello" },
  sequence: 1,
  gateway: "main",
  offset: 8,
};

give({ type: "start", token: null, tokenFrom: "app" });
give({ type: "configured", config: { auth: { mode: "token" }, protocol: 1, source: "live" } });
give({ type: "token_given", token: "t" });
give({ type: "opened" });
for (const frame of [welcome, snapshot, { op: "events", events: [chunk], offset: 8 }]) {
  give({ type: "frame", text: JSON.stringify(frame) });
}

console.log(
  JSON.stringify({
    state: overall(state).state,
    cursor: state.cursor,
    text: state.view.conversations.get(agentKey("main", "atlas"))[0].text,
    asked: effects.includes("ask_token"),
    refused: decodeFrame("{"),
  }),
);
