import { expect, test } from "vitest";
import { type Gate, gateOf } from "../components/frame/gate.ts";
import type { Link } from "../lib/session-state.ts";

/** What is shown at each of these links, one after the other. */
function gates(links: readonly Link[], loaded = false): Gate[] {
  let gate: Gate = null;
  return links.map((link) => {
    gate = gateOf(gate, { link, loaded });
    return gate;
  });
}

const ON_THE_WAY: readonly Link[] = ["configuring", "authorizing", "opening", "greeting", "loading", "waiting"];
const sameFor = (gate: Gate) => ON_THE_WAY.map(() => gate);

test("a page that begins shows its views, and has no screen in their place", () => {
  expect(gates(["idle", ...ON_THE_WAY, "live"])).toEqual([null, ...sameFor(null), null]);
});

test("who signs in has the form until the page is live", () => {
  expect(gates(["signed_out", ...ON_THE_WAY, "signed_out"])).toEqual(["sign_in", ...sameFor("sign_in"), "sign_in"]);
  expect(gates(["signed_out", ...ON_THE_WAY, "live"]).at(-1)).toBeNull();
});

test("a refused page says so until it is taken, also while it tries again", () => {
  expect(gates(["stopped", ...ON_THE_WAY, "stopped"])).toEqual(["refused", ...sameFor("refused"), "refused"]);
  expect(gates(["stopped", ...ON_THE_WAY, "live"]).at(-1)).toBeNull();
});

test("a page that shows something keeps it when it is stopped, but not when it has to sign in", () => {
  expect(gates(["live", "stopped", ...ON_THE_WAY], true)).toEqual([null, null, ...sameFor(null)]);
  expect(gates(["live", "signed_out", "opening", "stopped"], true)).toEqual([null, "sign_in", "sign_in", "refused"]);
});
