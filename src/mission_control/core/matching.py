"""Recognising messages in a history, with its ids where it has any.

Where an entry says whose it is, it can only be a message of that run. Where it does not: a session's runs follow one
another, and a model request begins before its answer is first heard and ends before the next request begins. So an
assistant entry of the history can only be a message that began in the window between that entry's time and the next
one's. Among the messages that an entry can be, the text decides.
"""

from collections.abc import Callable, Sequence

from attrs import define

from mission_control.core.events import Role
from mission_control.core.signals import HistoryEntry


@define
class Known:
    """A message that we have. ``began`` in ms.

    ``complete``: its text is all there is. ``aborted``: its run was, and said nothing after it. ``claimed``: a live
    stream told of it; a message that is known from history alone is not claimed until the stream repeats it.
    ``run_id`` is that of the run that streamed it. ``over_by`` (ms): a history shows that it was complete by then.
    """

    message_id: str
    session: str
    role: Role
    text: str
    began: int
    complete: bool
    claimed: bool = True
    not_before: int | None = None
    aborted: bool = False
    run_id: str = ""
    over_by: int | None = None

    def could_stream(self, not_before: int | None) -> bool:
        """Whether a stream may yet repeat it: an answer known from history alone, of a run that began before it."""
        return self.role == "assistant" and not self.claimed and (not_before is None or self.began >= not_before)

    def was_said_at(self, at: int) -> bool:
        """Whether it was under way then, as far as that is known."""
        return self.began <= at and (self.over_by is None or at <= self.over_by)


def match(
    entries: Sequence[HistoryEntry], known: Sequence[Known], id_of: Callable[[HistoryEntry], str]
) -> list[Known | None]:
    """For each entry of a session's history, oldest first, the known message that it is.

    ``known`` holds that session's messages in the order in which they began. No known message is given twice.
    """
    by_id = {item.message_id: item for item in known}
    unused = [item for item in known if item.role == "assistant"]
    found: list[Known | None] = []
    for entry, until in zip(entries, _windows(entries), strict=True):
        item = by_id.get(id_of(entry))
        if item is None and entry.role == "assistant" and (entry.text or entry.error):
            item = _find(unused, entry, until)
        if item in unused:
            unused.remove(item)
        found.append(item)
    for index, entry in enumerate(entries):
        if found[index] is None and entry.role == "assistant" and entry.text:
            found[index] = _left_over(unused, entry)
    return found


def _left_over(unused: list[Known], entry: HistoryEntry) -> Known | None:
    """A whole message that has no entry in its window: of one that was told at its end alone, when it began is not
    known, but that it was before."""
    for item in unused:
        possible = item.complete and item.claimed and entry.run_id in (None, item.run_id)
        if possible and item.began >= entry.at and same_text(item.text, entry.text):
            unused.remove(item)
            return item
    return None


def same_text(one: str, other: str) -> bool:
    """Whether two texts differ at most in the white space around them, which some sources trim."""
    return one == other or one.strip() == other.strip()


def continues(so_far: str, text: str, delta: str) -> bool:
    """Whether ``text`` is a later state of the message ``so_far`` rather than the beginning of the next one.

    A source starts its text over with each message of a run, and then all of the text is new.
    """
    return text.startswith(so_far) and not (so_far and delta == text)


def _windows(entries: Sequence[HistoryEntry]) -> list[int | None]:
    """For each entry, by when its message had begun: its tools had not ended by then, nor had the next model request of
    its session begun."""
    until: int | None = None
    ends: list[int | None] = []
    for entry in reversed(entries):
        bounds = [at for at in (until, entry.over_by) if at is not None]
        ends.append(min(bounds, default=None))
        if entry.role == "assistant":
            until = entry.at
    return ends[::-1]


def _find(unused: Sequence[Known], entry: HistoryEntry, until: int | None) -> Known | None:
    """The message that this entry is, of those that it can be: first by text, then for want of another."""
    if entry.run_id is not None:
        window = [item for item in unused if item.run_id == entry.run_id]
    else:
        window = [item for item in unused if _in_window(item, entry, until) and (entry.ends_run or not item.aborted)]
    for item in window:
        # Cut off by a lost connection, or (complete, yet shorter) by a source that stopped streaming too early.
        if same_text(item.text, entry.text) or (item.text and entry.text.lstrip().startswith(item.text.strip())):
            return item
    # A run writes one message at a time: if it has one open that began after the request that ended it, it is this
    # one, though its stream told another text.
    opened = [item for item in window if not item.complete and item.not_before is not None]
    last_words = entry.text and (entry.ends_run or entry.error is not None)
    return opened[0] if last_words and len(opened) == 1 else None


def _in_window(item: Known, entry: HistoryEntry, until: int | None) -> bool:
    if item.began < entry.at or (until is not None and item.began > until):
        return False
    return item.not_before is None or entry.at >= item.not_before
