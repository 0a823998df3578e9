/** Why the page has no connection, in words for the operator, and what to do about it. */

export interface Problem {
  /** For programs: a close code of the protocol, an error's code, or a word of our own. */
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
}

export const UNREACHABLE: Problem = {
  code: "unreachable",
  message: "The daemon does not answer.",
  remedy: "Check that mission-control is running.",
};

export const SILENT: Problem = { code: "silent", message: "Nothing was heard from the daemon for too long." };

/** The same of a request beside the stream, which whoever asked may ask again. */
export const NO_ANSWER: Problem = { ...UNREACHABLE, remedy: "Try again." };

export const NOT_UNDERSTOOD: Problem = {
  code: "not_understood",
  message: "The daemon's answer was not understood.",
};

export const GAP: Problem = { code: "gap", message: "A part of the stream is missing; loading a fresh copy." };

export const VERSION_DIFFERS: Problem = {
  code: "version",
  message: "The daemon speaks another version of the protocol than this page.",
  remedy: "Reload the page.",
};

export const OTHER_JOURNAL: Problem = {
  code: "other_journal",
  message: "The daemon has another journal than this page.",
};

export const NOBODY_SIGNED_IN: Problem = {
  code: "signed_out",
  message: "Nobody is signed in.",
  remedy: "Sign in to the app that shows this page, then try again.",
};

/** Of a token that the app gave; the operator's own has the close code's words. */
export const TOKEN_REFUSED: Problem = {
  code: "4401",
  message: "The daemon did not accept the token that the app gave.",
  remedy: "Check that the app gives the token of this daemon, then try again.",
};

/** The app could not say which token to use; `why` in its own words, to which a full stop is added. */
export function tokenUnavailable(why: string): Problem {
  return {
    code: "token_unavailable",
    message: `The app gave no token for the daemon: ${why.replace(/[.!?]?$/, ".")}`,
    remedy: "Check that you are signed in and that the app's server answers; it is asked again by itself.",
  };
}

const BY_CODE: ReadonlyMap<number, Omit<Problem, "code">> = new Map([
  [1001, { message: "The daemon is going away." }],
  [1012, { message: "The daemon is restarting." }],
  [4400, { message: "The daemon refused this page's request as malformed.", remedy: "Reload the page." }],
  [4401, { message: "The token was not accepted.", remedy: "Check that you copied the whole operator token." }],
  [
    4403,
    {
      message: "The daemon does not accept pages from this address.",
      remedy: "Open the address that the daemon printed at its start, or allow this origin in its configuration.",
    },
  ],
  [4408, { message: "The daemon waited too long for this page's greeting." }],
  [4413, { message: "This page sent more than the daemon accepts." }],
  [4429, { message: "This page took the stream too slowly, or too many pages are open." }],
]);

/** What a close code means; what the daemon said itself just before is more exact and wins. */
export function closeProblem(code: number, said: Problem | null): Problem {
  const known = BY_CODE.get(code) ?? { message: "The connection to the daemon was lost." };
  return { code: String(code), ...known, ...(said === null ? {} : { message: said.message }) };
}
