/** What a browser keeps for a page, also where it keeps nothing: readers may block that, and then asking for it throws. */

/** Texts by key; null while there is none. */
export interface Storing {
  get(key: string): string | null;
  set(key: string, value: string | null): void;
}

/**
 * The browser's storage that `open` gives. What it does not take is kept in memory, until the page is closed: a reader
 * who blocks it has all of the page, but chooses and signs in anew each time.
 */
export function storing(open: () => Storage): Storing {
  const memory = new Map<string, string | null>();
  return {
    get(key) {
      const held = memory.get(key);
      if (held !== undefined) return held;
      try {
        return open().getItem(key);
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        if (value === null) open().removeItem(key);
        else open().setItem(key, value);
        memory.delete(key);
      } catch {
        memory.set(key, value);
      }
    },
  };
}
