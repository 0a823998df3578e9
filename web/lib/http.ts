/** Requests beside the stream: what is older than a snapshot, and how the daemon itself is. */

import { NO_ANSWER, type Problem } from "./problem.ts";

/** How to ask: `method` is GET unless said otherwise, `token` goes into the Authorization header. */
export interface Asking {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly token?: string | null;
  readonly signal?: AbortSignal | null;
}

/**
 * A request that was not answered as it should be. `problem` is for people; its `code` is the daemon's own (such as
 * `unauthenticated`), the HTTP status where it gave none, `unreachable`, `token_unavailable` or `signed_out`.
 */
export class RequestError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.name = "RequestError";
    this.problem = problem;
  }
}

/** A path with what of a query is not null or undefined. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | null | undefined>>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) params.set(name, String(value));
  }
  const text = params.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Why a request failed; `status` is null when nothing was answered at all. */
export function requestProblem(status: number | null, body: unknown): Problem {
  if (status === null) return NO_ANSWER;
  const { code, detail } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const message = typeof detail === "string" ? detail : `The daemon answered with ${status}.`;
  return { code: typeof code === "string" ? code : String(status), message };
}
