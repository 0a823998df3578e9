"""Rows as lines in columns, fitted to the width of the terminal."""

from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen
from rich.text import Text

from mission_control.inspection.charset import Charset
from mission_control.inspection.figures import Figures
from mission_control.inspection.rows import Row
from mission_control.inspection.wording import ago, duration, number, percent, rate, several

GAP: Final = 2
NAME_LEAST: Final = 24
"""The name's column is cut down to this many cells before others have to go; likewise below."""
NOTE_LEAST: Final = 14

STATE_STYLES: Final = {
    "running": "green",
    "starting": "cyan",
    "idle": "dim",
    "stopped": "dim",
    "restarting": "yellow",
    "stopping": "yellow",
    "gave_up": "bold red",
}
UNKNOWN_STATE: Final = "magenta"


@frozen
class _Column:
    heading: str
    cell: Callable[[Row], Text]
    least: int | None = None
    """Down to how many cells it may be cut; None when it may not."""
    right: bool = False


def table(rows: Sequence[Row], charset: Charset, *, now: int, watching: bool, width: int | None) -> list[Text]:
    """A heading and a line for each row, none wider than ``width``; ``now`` is the daemon's time in ms.

    ``watching`` shows rates instead of totals. What does not fit goes, the least telling columns first.
    """
    columns = _columns(charset, now, watching)
    cells = {column.heading: [column.cell(row) for row in rows] for column in columns}
    widths = {
        heading: max(len(heading), *(text.cell_len for text in column)) if any(column) else 0
        for heading, column in cells.items()
    }
    shown = [column for column in columns if widths[column.heading]]
    if width is not None:
        shown = _fit(shown, widths, width)
    grid = [[Text(column.heading, "bold") for column in shown]]
    grid += [[cells[column.heading][place] for column in shown] for place in range(len(rows))]
    lines = [_line(line, shown, widths, charset) for line in grid]
    return lines if width is None else [cut(line, width, charset) for line in lines]


def cut(text: Text, width: int, charset: Charset) -> Text:
    """``text`` in at most ``width`` cells; what is cut off is seen to be."""
    if text.cell_len > width:
        text.truncate(max(0, width - 1), overflow="crop")
        text.append(charset.ellipsis, "dim")
    return text


_EXPENDABLE: Final = ("PEAK", "UPTIME", "OLDEST", "HANDLED", "MSG/S", "BUSY", "STATE", "NOTE", "RESTARTS", "MAIL")
"""What goes when there is no room, the first first. A state shows in its symbol, too."""


def _fit(columns: list[_Column], widths: dict[str, int], width: int) -> list[_Column]:
    """The columns that are kept; ``widths`` become those that they have."""

    def needed() -> int:
        least = (min(widths[one.heading], one.least or widths[one.heading]) for one in kept)
        return sum(least) + GAP * (len(kept) - 1)

    kept = columns
    for heading in _EXPENDABLE:
        if needed() <= width:
            break
        kept = [column for column in kept if column.heading != heading]
    spare = width - needed()
    for column in kept:
        if column.least is not None:
            least = min(widths[column.heading], column.least)
            taken = min(widths[column.heading] - least, max(0, spare))
            widths[column.heading] = least + taken
            spare -= taken
    return kept


def _line(cells: Sequence[Text], columns: Sequence[_Column], widths: dict[str, int], charset: Charset) -> Text:
    line = Text()
    for column, cell in zip(columns, cells, strict=True):
        cell = cut(cell, widths[column.heading], charset)
        padding = " " * (widths[column.heading] - cell.cell_len)
        line.append(" " * GAP if line else "")
        line.append_text(Text(padding) + cell if column.right else cell + Text(padding))
    line.rstrip()
    return line


def _columns(charset: Charset, now: int, watching: bool) -> list[_Column]:
    """``watching``: rates since the last look; otherwise totals."""

    def of_mailbox(write: Callable[[Figures], str]) -> Callable[[Row], Text]:
        return lambda row: Text("" if row.figures is None else write(row.figures))

    def per_second(one: Figures) -> str:
        return charset.none if one.rate is None else rate(one.rate)

    return [
        _Column("ACTOR", lambda row: _name(row, charset), least=NAME_LEAST),
        _Column("STATE", lambda row: _state(row, charset)),
        _Column("UPTIME", _uptime, right=True),
        _Column("RESTARTS", _restarts, right=True),
        _Column("MAIL", _mail, right=True),
        _Column("PEAK", of_mailbox(lambda one: number(one.peak)), right=True),
        _Column("OLDEST", of_mailbox(lambda one: duration(one.oldest_age_s) if one.depth else ""), right=True),
        _Column("MSG/S", of_mailbox(per_second), right=True)
        if watching
        else _Column("HANDLED", of_mailbox(lambda one: number(one.handled)), right=True),
        _Column("BUSY", _busy, right=True),
        _Column("NOTE", lambda row: _note(row, charset, now), least=NOTE_LEAST),
    ]


def _name(row: Row, charset: Charset) -> Text:
    guides = "".join(charset.bar if more else "   " for more in row.trunk[:-1])
    if row.trunk:
        guides += charset.tee if row.trunk[-1] else charset.elbow
    if row.node is None:
        return Text.assemble((guides, "dim"), (row.name, "italic"))
    style = STATE_STYLES.get(row.node.state, UNKNOWN_STATE)
    name = charset.text(row.name)
    return Text.assemble((guides, "dim"), (charset.state(row.node.state), style), " ", (name, _weight(row)))


def _weight(row: Row) -> str:
    return "bold" if row.node is not None and row.node.kind in ("supervisor", "pool") else ""


def _state(row: Row, charset: Charset) -> Text:
    if row.node is None:
        return Text()
    state = charset.text(row.node.state.replace("_", " "))
    return Text(state, STATE_STYLES.get(row.node.state, UNKNOWN_STATE))


def _uptime(row: Row) -> Text:
    return Text(duration(row.node.uptime_s) if row.node is not None and row.node.state == "running" else "")


def _restarts(row: Row) -> Text:
    counted = row.node is not None or row.figures is not None
    return Text(number(row.restarts) if counted else "", "yellow" if row.restarts else "dim")


def _mail(row: Row) -> Text:
    """What waits, of how much may; the room of several mailboxes together would mean nothing."""
    one = row.figures
    if one is None or row.node is None:
        return Text("" if one is None else str(one.depth))
    full = one.depth / one.capacity if one.capacity else 0.0
    style = "bold red" if full >= 0.8 else "yellow" if full >= 0.5 else ""
    return Text(f"{one.depth}/{one.capacity}", style)


def _busy(row: Row) -> Text:
    if row.figures is None:
        return Text()
    return Text(percent(row.figures.busy))


def _note(row: Row, charset: Charset, now: int) -> Text:
    """What went wrong here, and what the columns do not say."""
    parts = [Text(row.note, "dim")] if row.note else []
    if row.failure is not None:
        parts.append(Text(f"{charset.text(row.failure.type)} {ago(now, row.failure.timestamp)}", "red"))
    if (one := row.figures) is not None:
        for count, text, style in (
            (one.dead_lettered, several(one.dead_lettered, "dead letter", "dead letters"), "red"),
            (one.waiting, several(one.waiting, "sender waits", "senders wait"), "yellow"),
            (one.dropped, f"{number(one.dropped)} dropped", "yellow"),
            (one.refused, f"{number(one.refused)} refused", "yellow"),
            (one.superseded, f"{number(one.superseded)} superseded", "dim"),
        ):
            if count:
                parts.append(Text(text, style))
    return Text(", ").join(parts)
