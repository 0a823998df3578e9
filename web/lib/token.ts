/** The token that an app gives: asked for when it is needed, and kept nowhere. A part of the rim. */

/**
 * A token, or a function that gives the present one; null says that nobody is signed in. The function is asked anew
 * before each connection and each request, so that a token may be short-lived. If it rejects, the reason is shown as
 * the session's problem, and it is asked again after a while.
 */
export type TokenSource = string | (() => Promise<string | null>);

/** How long the app may take for an answer. */
const PATIENCE_MS = 15_000;

/** What a source gives at present; null when there is none. */
export async function presentToken(source: TokenSource | undefined): Promise<string | null> {
  return (typeof source === "function" ? await source() : source) || null;
}

/** The same, for whoever can't wait for ever. Rejects with what the source rejects with, or when it takes too long. */
export async function askApp(source: TokenSource | undefined): Promise<string | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${PATIENCE_MS / 1_000} s`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([presentToken(source), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** The reason of a rejection in one line, for people. */
export function whyNot(error: unknown): string {
  return (error instanceof Error && error.message) || "it failed without a reason";
}
