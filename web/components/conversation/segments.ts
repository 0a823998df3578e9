/**
 * A text that still grows, cut where what is before the cut will look the same whatever comes: at an empty line outside
 * of code and lists. So only the last part of a long message is parsed again with each chunk.
 */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
/** A line that belongs to what is above it: a list goes on over empty lines, and so does what is indented. */
const CONTINUES = /^(\s|[-*+]\s|\d{1,9}[.)]\s|[|>])/;
/** The last line, so far: it may yet become one of those. */
const UNDECIDED = /^(\d{1,9}[.)]?|[-*+])$/;

/** The parts of a text, in order; joined they are the text. */
export function segments(text: string): readonly string[] {
  const parts: string[] = [];
  let fence: string | null = null;
  let begin = 0;
  let at = 0;
  let empty = false;
  for (const line of text.split(/(?<=\n)/)) {
    if (fence === null && empty && line.trim() !== "" && !CONTINUES.test(line) && !isUndecided(line)) {
      parts.push(text.slice(begin, at));
      begin = at;
    }
    const mark = FENCE.exec(line)?.[1];
    if (mark !== undefined && fence === null) fence = mark;
    else if (mark !== undefined && fence !== null && mark.startsWith(fence) && line.trim() === mark) fence = null;
    empty = line.trim() === "";
    at += line.length;
  }
  parts.push(text.slice(begin));
  return parts;
}

const isUndecided = (line: string): boolean => !line.endsWith("\n") && UNDECIDED.test(line);
