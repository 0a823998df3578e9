"""The folded state is the daemon's own: whenever one looks, it is what a snapshot at that cursor would be."""

import json
from typing import Any

import msgspec
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from mission_control.client.view import View
from mission_control.core.events import AgentKey, Draft, Event, decode_event, decode_payload, encode
from mission_control.core.subscription import EVERYTHING, Cursor
from mission_control.core.views import Snapshot
from mission_control.stores.journal import Journal
from mission_control.stores.memory import MemoryJournal
from tests.stores.samples import ALPHA, BETA, OTHER, FakeClock, activity, beat, chunk, final, status

KINDS = [
    "run.queued",
    "run.started",
    "run.finished",
    "run.failed",
    "run.aborted",
    "run.stalled",
    "run.resumed",
    "tool.started",
    "tool.progress",
    "tool.finished",
    "tool.unheard_of",
    "agent.added",
    "agent.removed",
    "session.compaction",
    "stream.gap",
]
agents = st.sampled_from([ALPHA, BETA, OTHER])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("chunk"), st.integers(0, 3), agents),
        st.tuples(st.just("final"), st.integers(0, 3), agents),
        st.tuples(st.just("activity"), st.sampled_from(KINDS), agents),
        st.tuples(st.just("beat"), st.booleans(), agents),
        st.tuples(st.just("status"), st.sampled_from(["connected", "reconnecting"]), agents),
    ),
    max_size=60,
)


class Past:
    """Makes drafts that can follow one another: chunks in order, each message with one end."""

    def __init__(self) -> None:
        self._written: dict[str, int] = {}
        self._generation: dict[str, int] = {}
        self._serial = 0

    def draft(self, what: str, how: Any, of: AgentKey) -> Draft:
        self._serial += 1
        name = f"{what}-{self._serial}"
        slot = f"{of[0]}/{of[1]}/{how}"
        message = f"{slot}/{self._generation.get(slot, 0)}"
        match what:
            case "chunk":
                index = self._written.get(message, 0)
                self._written[message] = index + 1
                return chunk(message, index, "grüß😀", of=of, timestamp=self._serial)
            case "final":
                self._generation[slot] = self._generation.get(slot, 0) + 1
                return final(message, "text", of=of, timestamp=self._serial)
            case "activity":
                return activity(name, how, of=of, timestamp=self._serial)
            case "beat":
                return beat(name, of=of, at=self._serial, ephemeral=how)
        return status(name, how, gateway=of[0], timestamp=self._serial)


def plain(snapshot: Snapshot) -> Any:
    value = json.loads(encode(snapshot))
    value["messages"].sort(key=lambda message: message["message_id"])
    return value


def heard(event: Event) -> tuple[Event, Any]:
    """As it comes off the wire."""
    copy = decode_event(encode(event))
    return copy, decode_payload(copy.type, copy.payload)


async def told(journal: Journal) -> Snapshot:
    """The journal's snapshot, as it comes off the wire."""
    return msgspec.json.decode(encode(await journal.snapshot(EVERYTHING)), type=Snapshot)


@given(before=steps, after=steps)
@settings(max_examples=100)
def test_the_view_is_the_snapshot_at_its_cursor(before: list[Any], after: list[Any]) -> None:
    """Begun with any snapshot, and after any events: no difference from what the daemon would say."""

    async def main() -> None:
        past = Past()
        journal = MemoryJournal(FakeClock())
        await journal.append([past.draft(*step) for step in before])
        view = View()
        view.load(await told(journal))
        for step in after:
            for event in (await journal.append([past.draft(*step)])).events:
                assert view.apply(*heard(event)) == "applied"
                if step[0] in ("chunk", "final"):
                    assert view.apply(*heard(event)) == "duplicate"
        there = await told(journal)
        assert plain(view.snapshot(there.cursor)) == plain(there)
        for gateway, agent_id in view.agents:
            messages = view.conversation(gateway, agent_id or "")
            assert messages == sorted(messages, key=lambda message: (message.timestamp, message.offset))

    trio.run(main)


def test_what_is_given_is_not_shared_with_a_snapshot() -> None:
    """A copy stays as it is while the view goes on."""

    async def main() -> None:
        journal = MemoryJournal(FakeClock())
        commit = await journal.append([chunk("m", 0), chunk("m", 1)])
        view = View()
        view.load(await told(MemoryJournal(FakeClock())))
        first, second = (heard(event) for event in commit.events)
        view.apply(*first)
        kept = view.snapshot(Cursor("memory", 1))
        view.apply(*second)
        assert [message.text for message in kept.messages] == ["word "]
        assert [message.text for message in view.messages] == ["word word "]

    trio.run(main)
