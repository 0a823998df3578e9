/**
 * The daemon's clock as seen from here, from ping and pong.
 *
 * A pong's `server_time` was read somewhere within the round trip, so its middle is the best guess and half the round
 * trip the error. Of the last few samples the one with the shortest round trip is the most exact (Cristian's algorithm).
 */

interface Sample {
  readonly offset: number;
  readonly roundTrip: number;
}

export type Clock = readonly Sample[];

const KEPT = 8;

export const UNSYNCED: Clock = [];

export function observe(clock: Clock, sentAt: number, receivedAt: number, serverTime: number): Clock {
  const sample = { offset: serverTime - (sentAt + receivedAt) / 2, roundTrip: receivedAt - sentAt };
  return [...clock, sample].slice(-KEPT);
}

/**
 * What to add to a time read here to get the daemon's, in ms; 0 before the first pong. An offset that is smaller than
 * its own error is no evidence of any: on one machine the clocks are the same.
 */
export function clockOffset(clock: Clock): number {
  const best = clock.reduce((least, sample) => (sample.roundTrip < least.roundTrip ? sample : least), NOTHING);
  return Math.abs(best.offset) <= best.roundTrip / 2 ? 0 : best.offset;
}

const NOTHING: Sample = { offset: 0, roundTrip: Number.POSITIVE_INFINITY };
