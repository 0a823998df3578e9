"""The messages of an account against those that there really were, by session, role, text and time.

A gateway's history gives its messages no ids, so nothing else can be compared.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from attrs import Factory, define

from mission_control.truth import Message
from mission_control.verify.pairing import ANY_TIME, out_of_order, pair
from mission_control.verify.readings import SLACK_MS, Account, Told
from mission_control.verify.verdict import Finding, FindingClass, quoted

_KEPT = ("complete", "error")

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


@define
class _Session:
    """One session's messages, true and told, as far as they are matched."""

    name: str
    where: str
    account: Account
    open_ends: Collection[str]
    true: list[Message] = Factory(list)
    told: list[Told] = Factory(list)
    pairs: list[tuple[Message, Told]] = Factory(list)
    partial: list[tuple[Message, Told]] = Factory(list)

    def compare(self) -> Iterator[Finding]:
        unmet, extra = self._match_whole()
        unmet, extra = self._match_partial(unmet, extra)
        for told in extra:
            yield from self._judge_extra(told, unmet)
        for message in unmet:
            yield from self._judge_unmet(message)
        for message, told in self.pairs:
            yield from self._judge_state(message, told)
        yield from self._judge_order()

    def _match_whole(self) -> tuple[list[Message], list[Told]]:
        """Messages that are kept in a history, with finals of the same text: of the same state at their time, else of
        any at their time, else at any time."""
        kept = [message for message in self.true if message.state in _KEPT]
        whole = [told for told in self.told if told.is_whole]
        kept, whole = self._match(kept, whole, lambda each: (each.role, each.text.strip(), each.state), (0, SLACK_MS))
        kept, whole = self._match(kept, whole, lambda each: (each.role, each.text.strip()), (0, SLACK_MS, ANY_TIME))
        return (
            [message for message in self.true if message.state not in _KEPT] + kept,
            [told for told in self.told if not told.is_whole] + whole,
        )

    def _match(
        self,
        messages: list[Message],
        finals: list[Told],
        alike: Callable[[Message | Told], tuple[str, ...]],
        slacks: Sequence[float],
    ) -> tuple[list[Message], list[Told]]:
        """Those that are alike; gives what is left of both."""
        unmet: list[Message] = []
        extra: list[Told] = []
        true, told = _grouped(messages, alike), _grouped(finals, alike)
        for key in true.keys() | told.keys():
            spans = [(message.began, message.ended, message) for message in true[key]]
            pairs, left, over = pair(spans, [(final.began, final) for final in told[key]], slacks)
            self.pairs += pairs
            unmet += left
            extra += over
        return unmet, extra

    def _match_partial(self, unmet: list[Message], extra: list[Told]) -> tuple[list[Message], list[Told]]:
        """Finals that say of themselves that they are not whole, with the messages whose beginnings they are."""
        left: list[Told] = []
        for told in sorted(extra, key=lambda told: told.began):
            first = [message for message in unmet if not told.is_whole and begins(told, message)]
            second = [message for message, _ in self.pairs if not told.is_whole and begins(told, message)]
            if not first and not second:
                left.append(told)
                continue
            # What was cut off itself, rather than what a history has whole.
            chosen = min(first or second, key=lambda message: (message.state in _KEPT, *_distance(told, message)))
            self.partial.append((chosen, told))
            if chosen in unmet:
                unmet = [message for message in unmet if message is not chosen]
        return unmet, left

    def _judge_extra(self, told: Told, unmet: list[Message]) -> Iterator[Finding]:
        """A final that is no message's: another one of the same, or a message that was changed."""
        again = [
            message for message, _ in self._matched if (message.role, message.text.strip()) == (told.role, told.text)
        ]
        here = [message for message in unmet if message.role == told.role and _at_its_time(told, message)]
        if any(_at_its_time(told, message) for message in again) or (again and not here):
            yield self._told("repeated", told, "is told again")
        elif here:
            true = min(here, key=lambda message: _distance(told, message))
            unmet.remove(true)
            yield self._told("altered", told, f"is not what was said: {quoted(true.text)} ({true.state})")
        else:
            yield self._told("altered", told, "was never said then")

    def _judge_unmet(self, message: Message) -> Iterator[Finding]:
        watched = self.account.watched_from
        if message.role == "user" and message.state == "lost":
            return  # the gateway itself forgot it, and never told anybody
        if message.state not in _KEPT and message.ended < watched:
            return  # it was over before anybody watched, and is in no history
        if message.state not in _KEPT and message.run in self.open_ends:
            return
        what = f"{self.name} {message.role} {quoted(message.text)} ({message.state})"
        if self.account.declared(message.session, message.run, message.began, message.ended):
            yield Finding("declared", self.where, f"{what} is missing", message.began)
        else:
            yield Finding("lost", self.where, what, message.began)

    def _judge_state(self, message: Message, told: Told) -> Iterator[Finding]:
        if message.role == "assistant" and message.state != told.state:
            declared = self.account.declared(message.session, message.run, message.began, message.ended)
            yield self._told("declared" if declared else "altered", told, f"is {told.state}, and was {message.state}")

    def _judge_order(self) -> Iterator[Finding]:
        for message, told in self.partial:
            yield self._told("declared", told, f"is {told.state}; it was {message.state}")
        cut = [(message, told) for message, told in self.partial if message.state not in _KEPT]
        pairs = sorted(self.pairs + cut, key=lambda each: (each[0].began, each[0].role != "user", each[0].ended))
        moved, crossed = out_of_order(pairs, lambda each: (each[1].began, each[1].offset))
        for _, told in moved:
            yield self._told("reordered", told, "has another place")
        for index, (message, told) in enumerate(pairs):
            if index not in crossed and not _at_its_time(told, message):
                yield self._told("altered", told, "is told for another time")

    @property
    def _matched(self) -> list[tuple[Message, Told]]:
        return self.pairs + [each for each in self.partial if each[0].state not in _KEPT]

    def _told(self, found: FindingClass, told: Told, what: str) -> Finding:
        text = f"{self.name} {told.role} {quoted(told.text)} {what} (offset {told.offset})"
        return Finding(found, self.where, text, told.began)


def compare_messages(
    true: Sequence[Message], account: Account, where: str, open_ends: Collection[str] = ()
) -> Iterator[Finding]:
    """What an account has of the true messages. Those without a text are none.

    ``open_ends``: the runs of whose ends nobody could know.
    """
    sessions: dict[str, _Session] = {}

    def of(name: str) -> _Session:
        return sessions.setdefault(name, _Session(name, where, account, open_ends))

    for message in true:
        if message.text.strip():
            of(message.session).true.append(message)
    for told in account.finals:
        if told.text:
            of(told.session).told.append(told)
    for _, session in sorted(sessions.items()):
        yield from session.compare()


def _grouped(items: Iterable[T], key: Callable[[T], K]) -> defaultdict[K, list[T]]:
    groups: defaultdict[K, list[T]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def begins(told: Told, message: Message) -> bool:
    """Whether a final may be a beginning of the message, or all of it."""
    return told.role == message.role and message.text.strip().startswith(told.text) and _at_its_time(told, message)


def _at_its_time(told: Told, message: Message) -> bool:
    return message.began - SLACK_MS <= told.began <= message.ended + SLACK_MS


def _distance(told: Told, message: Message) -> tuple[int, int]:
    """How far a final's time lies outside of a message's span, and then from its beginning."""
    outside = max(message.began - told.began, told.began - message.ended, 0)
    return outside, abs(told.began - message.began)
