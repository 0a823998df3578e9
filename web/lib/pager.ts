/**
 * Asks the daemon for pages of what is older, for one reader: one question at a time, about one journal. What failed is
 * remembered, so that it can be asked again once the link is back.
 */

import type { Page } from "./decode.ts";
import { RequestError } from "./http.ts";
import { NOT_UNDERSTOOD, OTHER_JOURNAL, type Problem } from "./problem.ts";
import type { MissionControl } from "./store.ts";

/** Asks for one page. Rejects with a RequestError, also when the page is of another journal or none at all. */
export type Ask = <T>(path: string, decode: (value: unknown) => Page<T> | null) => Promise<Page<T>>;

/** Something that asks for pages, one after the other. */
export type Work = (ask: Ask) => Promise<void>;

export class Pager {
  readonly #request: MissionControl["request"];
  readonly #changed: () => void;
  #epoch = "";
  #lifetime = new AbortController();
  #failed: Work | null = null;
  #loading = false;
  #problem: Problem | null = null;

  /** `changed` is called whenever `loading` or `problem` is another, and so after each work. */
  constructor(request: MissionControl["request"], changed: () => void) {
    this.#request = request;
    this.#changed = changed;
  }

  get loading(): boolean {
    return this.#loading;
  }

  /** Why the last work came to no end; the reader may try again. */
  get problem(): Problem | null {
    return this.#problem;
  }

  /** From now on it is about this journal; what goes on is of no use any more. */
  begin(epoch: string): void {
    this.#epoch = epoch;
    this.#lifetime.abort();
    this.#failed = null;
    this.#loading = false;
    this.#problem = null;
  }

  /** Begin a work, in place of one that goes on. It does not reject for what `problem` says. */
  async run(work: Work): Promise<void> {
    this.begin(this.#epoch);
    const lifetime = new AbortController();
    this.#lifetime = lifetime;
    this.#loading = true;
    this.#changed();
    let problem: Problem | null = null;
    try {
      await work((path, decode) => this.#page(path, decode, lifetime.signal));
    } catch (error) {
      if (lifetime.signal.aborted) return;
      if (!(error instanceof RequestError || isAbort(error))) throw error;
      this.#failed = work;
      problem = error instanceof RequestError ? error.problem : null;
    }
    if (lifetime.signal.aborted) return;
    this.#loading = false;
    this.#problem = problem;
    this.#changed();
  }

  /** Try again what failed, if anything did. */
  retry(): void {
    if (this.#failed !== null) void this.run(this.#failed);
  }

  async #page<T>(path: string, decode: (value: unknown) => Page<T> | null, signal: AbortSignal): Promise<Page<T>> {
    const page = decode(await this.#request(path, { signal }));
    signal.throwIfAborted();
    if (page === null) throw new RequestError(NOT_UNDERSTOOD);
    if (page.epoch !== this.#epoch) throw new RequestError(OTHER_JOURNAL);
    return page;
  }
}

/** The subscription has ended, and with it what was asked. */
const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";
