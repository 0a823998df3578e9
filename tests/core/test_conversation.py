"""Messages: chunks join to their final, one final a message, history recognised without ids."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from mission_control.core.conversation import Conversation, Reconciled
from mission_control.core.events import Chunk, Final
from mission_control.core.signals import HistoryEntry, StoredCall
from mission_control.core.views import MessageView

SESSION = "agent:alpha:main"


class Talk:
    """A conversation with one run, at a clock that moves 10 ms with each word."""

    def __init__(self) -> None:
        self.conversation = Conversation("gw")
        self.at = 1_000
        self.text = ""
        self.said: list[Chunk | Final] = []

    def write(self, *tokens: str, heard: bool = True) -> "Talk":
        for token in tokens:
            self.at += 10
            self.text += token
            if heard:
                self.said += self.conversation.write("run", SESSION, self.text, token, self.at)
        return self

    def new_message(self) -> "Talk":
        self.text = ""
        return self

    def finals(self) -> list[tuple[str, str]]:
        return [(event.text, event.state) for event in self.said if isinstance(event, Final)]

    def deltas(self) -> list[str]:
        return [event.delta for event in self.said if isinstance(event, Chunk)]


def parts(found: Sequence[Reconciled]) -> list[Chunk | Final]:
    """What a history brought, in order."""
    return [event for entry in found for event in entry.events]


def finals(found: Sequence[Reconciled]) -> list[tuple[int, str]]:
    """The texts that it completed or brought, with their times."""
    return [(entry.at, event.text) for entry in found for event in entry.events if isinstance(event, Final)]


def entry(text: str, at: int, **fields: object) -> HistoryEntry:
    return HistoryEntry(role="assistant", text=text, at=at, **fields)  # type: ignore[arg-type]


def test_a_missed_token_is_healed_by_the_next() -> None:
    """Nothing of a message is lost as long as one later text of it arrives."""
    talk = Talk().write("one").write(" two", heard=False).write(" three")
    assert talk.deltas() == ["one", " two three"]


def test_an_older_text_that_comes_late_changes_nothing() -> None:
    talk = Talk().write("one", " two", " three")
    assert talk.conversation.write("run", SESSION, "one two", " two", talk.at) == []


def test_a_text_that_starts_over_is_the_next_message() -> None:
    """Several messages of one run are told apart, even when the second begins with all of the first."""
    talk = Talk().write("ok").new_message().write("ok", ", done").new_message().write("o")
    assert talk.finals() == [("ok", "complete"), ("ok, done", "complete")]
    assert talk.deltas() == ["ok", "ok", ", done", "o"]


def test_the_answer_completes_what_was_streamed() -> None:
    talk = Talk().write("one", " two")
    done = talk.conversation.answer("run", SESSION, "one two three", 2_000)
    assert [type(event) for event in done] == [Chunk, Final]
    assert done[0].delta == " three"  # type: ignore[union-attr]
    assert (done[1].text, done[1].chunks) == ("one two three", 3)  # type: ignore[union-attr]


def test_the_answer_is_told_once() -> None:
    """The same last message, told by the stream's end and again by the gateway, has one final."""
    talk = Talk().write("one")
    talk.conversation.close("run", 2_000, "complete")
    assert talk.conversation.answer("run", SESSION, "one\n", 2_010) == []


def test_an_answer_that_contradicts_the_stream_does_not_rewrite_it() -> None:
    talk = Talk().write("one")
    done = talk.conversation.answer("run", SESSION, "two", 2_000)
    assert [(event.text, event.state) for event in done if isinstance(event, Final)] == [
        ("one", "interrupted"),
        ("two", "complete"),
    ]


def test_history_brings_what_the_stream_did_not() -> None:
    """A user's message and a message that fell into a gap come in once each; the streamed one is recognised."""
    talk = Talk().write("one", " two")
    talk.conversation.close("run", 1_030, "complete")
    stored = (
        HistoryEntry("user", "please", 990),
        entry("one two  \n", 1_005),
        entry("unseen", 1_100),
    )
    found = talk.conversation.reconcile(SESSION, stored, since=0, run_began={}, now=2_000)
    assert finals(found) == [(990, "please"), (1_100, "unseen")]
    again = talk.conversation.reconcile(SESSION, stored, since=0, run_began={}, now=3_000)
    assert parts(again) == []


def test_history_completes_a_message_that_was_cut_off() -> None:
    talk = Talk().write("one")
    found = talk.conversation.reconcile(SESSION, (entry("one two", 1_000),), since=0, run_began={"run": 995}, now=2_000)
    assert [type(event) for event in parts(found)] == [Chunk, Final]
    assert found[0].repaired == 1


def test_an_earlier_answer_is_not_taken_for_the_open_message() -> None:
    """An old entry that happens to begin with the open text belongs to an older run."""
    talk = Talk().write("one")
    stored = (entry("one and only", 500),)
    found = talk.conversation.reconcile(SESSION, stored, since=900, run_began={"run": 1_000}, now=2_000)
    assert parts(found) == []
    assert talk.conversation.open_message("run") is not None


def test_an_aborted_message_is_not_an_earlier_step_of_its_run() -> None:
    """It was the last that the run said, and the step, of which nothing was heard, begins with the same words."""
    talk = Talk().write("let")
    talk.conversation.close("run", 1_020, "aborted")
    found = talk.conversation.reconcile(SESSION, (entry("let me look", 1_001),), since=0, run_began={}, now=2_000)
    assert finals(found) == [(1_001, "let me look")]


def test_equal_texts_are_told_apart_by_their_windows() -> None:
    """Of three equal answers, the one that was missed is brought in, and no other."""
    conversation = Conversation("gw")
    for run, at in (("a", 1_010), ("c", 3_010)):
        conversation.write(run, SESSION, "ok", "ok", at)
        conversation.close(run, at, "complete")
    stored = tuple(entry("ok", at) for at in (1_000, 2_000, 3_000))
    found = conversation.reconcile(SESSION, stored, since=0, run_began={}, now=4_000)
    assert finals(found) == [(2_000, "ok")]


def test_an_answer_that_was_told_at_its_end_alone_is_recognised() -> None:
    """When it began is not known then, and other requests may have been made since: its text decides, once nothing in
    its window is it."""
    talk = Talk()
    talk.conversation.answer("run", SESSION, "one two", 2_000)
    stored = (entry("one two", 1_000), entry("", 1_500, error="500"))
    assert finals(talk.conversation.reconcile(SESSION, stored, since=0, run_began={}, now=2_500)) == []
    again = (entry("one two", 500), *stored)
    found = talk.conversation.reconcile(SESSION, again, since=0, run_began={}, now=3_000)
    assert len(finals(found)) == 1  # there were two


def test_a_message_known_from_history_is_not_told_again_by_the_stream() -> None:
    """After a gap, history brings a run's last message; the run's end then repeats it."""
    conversation = Conversation("gw")
    conversation.reconcile(SESSION, (entry("all of it", 1_000),), since=0, run_began={}, now=1_500)
    assert conversation.answer("run", SESSION, "all of it", 1_600) == []
    assert conversation.answer("other", SESSION, "all of it", 1_900) != []


def test_what_is_said_after_a_tool_is_not_the_message_before_it() -> None:
    """Though it begins with the same words: a history shows that the tool had ended by then."""
    talk = Talk()
    call = StoredCall("call", "read", 900, {}, 1_005, {}, failed=False)
    talk.conversation.reconcile(SESSION, (entry("let me look", 900, calls=(call,)),), since=0, run_began={}, now=1_008)
    assert talk.write("let me").deltas() == ["let me"]


def test_a_restored_conversation_goes_on() -> None:
    """What a successor is given of the journal is enough to continue the open message and to recognise finals."""
    first = Talk().write("one", " two")
    opened = first.conversation.open_message("run")
    assert opened is not None
    view = MessageView(
        opened.message_id, "alpha", "gw", "run", SESSION, "assistant", "streaming", "one two", opened.began, 7, 2
    )
    second = Conversation("gw")
    second.restore([view], [], everything=True)
    [chunk] = second.write("run", SESSION, "one two three", " three", 1_100)
    assert isinstance(chunk, Chunk)
    assert (chunk.message_id, chunk.index, chunk.start) == (opened.message_id, 2, 7)


words = st.lists(st.text("ab \n", min_size=1, max_size=3), min_size=1, max_size=8)


@given(st.lists(words, min_size=1, max_size=4), st.data())
def test_chunks_always_join_to_their_final(messages: list[list[str]], data: st.DataObject) -> None:
    """Whatever is missed, repeated or told late: every message's chunks, joined, are its complete final's text."""
    talk = Talk()
    for tokens in messages:
        talk.new_message()
        for position, token in enumerate(tokens):
            heard = position == 0 or data.draw(st.booleans())
            talk.write(token, heard=heard)
            if data.draw(st.booleans()):
                talk.said += talk.conversation.write("run", SESSION, talk.text, "", talk.at)
    talk.said += talk.conversation.answer("run", SESSION, talk.text, talk.at)
    joined: dict[str, str] = {}
    for event in talk.said:
        if isinstance(event, Chunk):
            assert event.start == len(joined.get(event.message_id, ""))
            joined[event.message_id] = joined.get(event.message_id, "") + event.delta
    finals = [event for event in talk.said if isinstance(event, Final)]
    assert len({final.message_id for final in finals}) == len(finals)
    for final in finals:
        if final.state == "complete" and final.chunks:
            assert joined[final.message_id] == final.text


def test_messages_that_began_in_one_millisecond_have_names_of_their_own() -> None:
    """Also one whose end was not heard, and is left to a history: else its chunks would be the next one's."""
    conversation = Conversation("gw")
    said = conversation.write("run", SESSION, "one", "one", 1_000)
    conversation.doubt()
    for text in ("two", "three", "four"):
        said += conversation.write("run", SESSION, text, text, 1_000)
    chunks = [event for event in said if isinstance(event, Chunk)]
    assert [(chunk.delta, chunk.index) for chunk in chunks] == [("one", 0), ("two", 0), ("three", 0), ("four", 0)]
    assert len({chunk.message_id for chunk in chunks}) == 4
