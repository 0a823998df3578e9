import type { Asking } from "../lib/http.ts";
import type { TokenGiver } from "../lib/session-state.ts";
import type { Happening, OutsideEffect, Rim } from "../lib/socket.ts";

/** A world in which nothing happens by itself. */
export class FakeRim implements Rim {
  time = 1_000_000;
  token: string | null = null;
  tokenFrom: TokenGiver = "operator";
  /** What the app says when it is asked for a token for a request. */
  app = (): Promise<string | null> => Promise.resolve(null);
  disposed = false;
  readonly effects: OutsideEffect[] = [];
  readonly asked: (readonly [string, string | null])[] = [];
  #beforePaint: ((visible: boolean) => void)[] = [];
  #afterPaint: (() => void)[] = [];
  readonly happened: (input: Happening) => void;

  constructor(happened: (input: Happening) => void) {
    this.happened = happened;
  }

  now = () => this.time;
  random = () => 0;
  run = (effect: OutsideEffect) => void this.effects.push(effect);
  request = (path: string, asking: Asking) => {
    this.asked.push([path, asking.token ?? null]);
    return Promise.resolve({ path });
  };
  start = () => ({ token: this.token, tokenFrom: this.tokenFrom });
  freshToken = () => this.app();
  beforePaint = (callback: (visible: boolean) => void) => void this.#beforePaint.push(callback);
  afterPaint = (callback: () => void) => void this.#afterPaint.push(callback);
  dispose = () => {
    this.disposed = true;
  };

  frame(frame: object): void {
    this.happened({ type: "frame", text: JSON.stringify(frame) });
  }

  /** One animation frame that takes `took` ms until it is on the screen. */
  paint(took = 0, visible = true): void {
    for (const callback of this.#beforePaint.splice(0)) callback(visible);
    this.time += took;
    for (const callback of this.#afterPaint.splice(0)) callback();
  }
}
