import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/* What docs/webhooks.md gives to receivers in Node works. */

type Verify = (headers: Record<string, string>, body: Buffer, secret: string, toleranceS?: number) => boolean;

const DOCUMENT = readFileSync(new URL("../../docs/webhooks.md", import.meta.url), "utf8");

function block(language: string): string {
  const found = DOCUMENT.split(`\`\`\`${language}\n`)[1]?.split("```")[0];
  if (found === undefined) throw new Error(`docs/webhooks.md has no ${language}`);
  return found;
}

const { verify } = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(block("js"))}`)) as {
  verify: Verify;
};

const [head = "", text = ""] = block("http").split("\n\n");
const headers = Object.fromEntries(
  head
    .split("\n")
    .slice(1)
    .map((line) => line.split(": ", 2)),
);
const body = Buffer.from(text.trimEnd());
const secret = DOCUMENT.match(/The secret of this example is `([^`]+)`/)?.[1] ?? "";

test("the request shown verifies", () => {
  expect(verify(headers, body, secret, Number.POSITIVE_INFINITY)).toBe(true);
});

test("nothing else does", () => {
  const refused = (change: Record<string, string>, other = body, key = secret) =>
    verify({ ...headers, ...change }, other, key, Number.POSITIVE_INFINITY) === false;
  expect(refused({}, Buffer.concat([body, Buffer.from(" ")]))).toBe(true);
  expect(refused({}, body, "whsec_b3RoZXI=")).toBe(true);
  expect(refused({ "webhook-id": "evt_other" })).toBe(true);
  expect(refused({ "webhook-timestamp": "soon" })).toBe(true);
  expect(refused({ "webhook-signature": "v1,ümlaut" })).toBe(true);
});

test("an old attempt does not: it may be a replay", () => {
  expect(verify(headers, body, secret)).toBe(false);
});
