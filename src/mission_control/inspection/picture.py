"""A moment of the daemon as lines: a summary, the tree, the last failures, the dead letters."""

from collections.abc import Sequence
from typing import Final

from attrs import frozen
from rich.text import Text

from mission_control.core.actor_views import ActorsView, LetterView, NodeView
from mission_control.inspection.charset import Charset
from mission_control.inspection.figures import nodes
from mission_control.inspection.rows import rows, states
from mission_control.inspection.table import cut, table
from mission_control.inspection.watch import Moment
from mission_control.inspection.wording import ago, duration, number, several

FEW: Final = 3
"""How many failures, and how many dead letters, are shown without being asked for all."""


@frozen
class Frame:
    """Where the lines go: ``width`` and ``height`` in cells are None where nothing needs to be cut, as in a pipe."""

    charset: Charset
    width: int | None = None
    height: int | None = None


def picture(moment: Moment, url: str, frame: Frame, *, everything: bool = False) -> list[Text]:
    """All lines from top to bottom. ``everything`` lists all children of all pools, all failures, all letters."""
    actors, charset = moment.actors, frame.charset
    head = [*_head(moment, url, charset), Text()]
    shown = list(rows(actors.tree, moment.past, everything=everything))
    tree = table(shown, charset, now=actors.time, watching=moment.watching, width=frame.width)
    foot = _foot(actors, charset, None if everything else FEW)
    if frame.height is not None:
        foot = _lower(actors, charset, foot, frame.height - len(head) - len(tree))
        tree = _top(tree, charset, frame.height - len(head) - len(foot))
    if moment.lost:  # what is not current must not look as if it were
        for line in (*tree, *foot):
            line.stylize("dim")
    lines = [*head, *tree, *foot]
    return lines if frame.width is None else [cut(line, frame.width, charset) for line in lines]


def _foot(actors: ActorsView, charset: Charset, most: int | None) -> list[Text]:
    return [*_failures(actors, charset, most), *_letters(actors, charset, most)]


def _lower(actors: ActorsView, charset: Charset, foot: list[Text], room: int) -> list[Text]:
    """The foot, with fewer failures and dead letters until it fits. None is left where the tree itself does not fit."""
    for most in (FEW, 1, 0):
        if len(foot) <= room:
            break
        foot = _foot(actors, charset, most)
    return foot


def _top(tree: list[Text], charset: Charset, room: int) -> list[Text]:
    """As much of the tree as there is room for; the heading and the root in any case."""
    if len(tree) <= room:
        return tree
    kept = max(2, room - 1)
    hidden = several(len(tree) - kept, "more line", "more lines")
    return [*tree[:kept], Text(f"{charset.ellipsis} {hidden}, for which the terminal is too low", "dim")]


def _head(moment: Moment, url: str, charset: Charset) -> list[Text]:
    actors = moment.actors
    everyone = tuple(nodes(actors.tree))
    letters = several(len(actors.dead_letters), "dead letter", "dead letters")
    parts = [
        Text(charset.text(url), "bold"),
        Text(f"up {duration(actors.tree.uptime_s)}"),
        Text(letters, "red" if actors.dead_letters else "dim"),
        Text(f"{number(len(everyone))} in the tree: {charset.text(states(everyone))}"),
    ]
    lines = [Text("  ").join(parts)]
    if moment.lost:
        lines.append(Text(f"{charset.text(moment.lost)}; this is what it said last", "bold red"))
    elif moment.news:
        lines.append(Text(charset.text(moment.news), "yellow"))
    return lines


def _failures(actors: ActorsView, charset: Charset, most: int | None) -> list[Text]:
    failed = [(node.last_failure.timestamp, node) for node in nodes(actors.tree) if node.last_failure is not None]
    failed.sort(key=lambda pair: (-pair[0], pair[1].path))
    lines = []
    for _, node in failed[:most]:
        lines += _failure(node, actors.time, charset)
    return _section("last failures", lines, len(failed), most)


def _failure(node: NodeView, now: int, charset: Charset) -> list[Text]:
    failure = node.last_failure
    assert failure is not None
    where = f"  at {charset.text(failure.where)}" if failure.where else ""
    return [
        Text.assemble("  ", charset.text(node.path), (f"  {ago(now, failure.timestamp)}{where}", "dim")),
        Text(f"    {charset.text(failure.type)}: {charset.text(failure.message)}", "red"),
    ]


def _letters(actors: ActorsView, charset: Charset, most: int | None) -> list[Text]:
    newest = list(reversed(actors.dead_letters))
    lines = []
    for letter in newest[:most]:
        lines += letter_lines(letter, actors.time, charset)[:1]
    if lines:
        lines.append(Text("  mission-control dead-letters shows, retries and discards them", "dim"))
    return _section("dead letters", lines, len(newest), most)


def letter_lines(letter: LetterView, now: int, charset: Charset) -> list[Text]:
    """A dead letter: its id, age, actor and exception; then where that was raised; then the message."""
    failure = letter.failure
    return [
        Text.assemble(
            "  ",
            (charset.text(letter.id), "bold"),
            (f"  {ago(now, letter.timestamp)}  ", "dim"),
            charset.text(letter.path),
            (f"  {charset.text(failure.type)}: {charset.text(failure.message)}", "red"),
        ),
        Text(f"    raised at {charset.text(failure.where)}", "dim"),
        Text(f"    {charset.text(letter.message)}"),
    ]


def _section(title: str, lines: Sequence[Text], count: int, most: int | None) -> list[Text]:
    if not lines:
        return []
    newest = f" (the newest {most} of {number(count)})" if most is not None and count > most else ""
    return [Text(), Text.assemble((title, "bold"), (newest, "dim")), *lines]
