"""What real gateways said, as events. Each recording is one thing that the real gateway does."""

import json
from pathlib import Path

import pytest

from tests.gateways.replay import RECORDINGS, Replay

ALL = sorted(path.stem for path in RECORDINGS.glob("*.jsonl"))


@pytest.mark.parametrize("name", ALL)
def test_every_recording_keeps_the_rules(name: str) -> None:
    """One id per event, one final per message, chunks that join to it, an end for every start, nothing malformed."""
    replay = Replay(name).play()
    durable = [draft.event_id for draft in replay.drafts if not draft.ephemeral]
    assert len(durable) == len(set(durable))
    texts = replay.joined_chunks()
    finals = {draft.payload.message_id: draft.payload for draft in replay.drafts if draft.type == "conversation.final"}  # type: ignore[union-attr]
    assert texts.keys() <= finals.keys()
    for message_id, text in texts.items():
        assert finals[message_id].text == text  # type: ignore[union-attr]
    kinds = replay.kinds()
    assert kinds.count("run.started") == sum(kinds.count(f"run.{end}") for end in ("finished", "failed", "aborted"))
    assert replay.dialect.statistics().malformed_frames == 0
    assert replay.dialect.statistics().unknown_frames == 0


@pytest.mark.parametrize("name", ALL)
def test_the_end_is_what_the_gateway_itself_remembers(name: str) -> None:
    """Every user's message and every finished answer that the gateway has is there once, with its text, in order."""
    replay = Replay(name).play()
    for session, entries in replay.histories.items():
        stored = [
            (entry["role"], "".join(part.get("text", "") for part in entry["content"]).strip())
            for entry in entries
            if entry["role"] in ("user", "assistant") and entry.get("stopReason") != "error"
        ]
        ours = [(role, text.strip()) for role, text, state in replay.messages(session) if state == "complete"]
        assert ours == [one for one in stored if one[1]]


@pytest.mark.parametrize("name", ALL)
def test_a_whole_recording_played_twice_adds_nothing(name: str) -> None:
    """A gateway or network that says everything again makes no second event."""
    replay = Replay(name).play()
    before = {draft.event_id for draft in replay.drafts if not draft.ephemeral}
    for line in replay.lines:
        if line.get("frame", {}).get("event") in ("agent", "chat"):
            replay.receive(line["frame"])
    after = {draft.event_id for draft in replay.drafts if not draft.ephemeral and draft.type != "heartbeat"}
    assert after <= before


def test_a_run_with_a_tool() -> None:
    replay = Replay("one-tool").play()
    assert [kind for kind in replay.kinds() if kind != "agent.added"] == [
        "run.started",
        "tool.started",
        "tool.finished",
        "run.finished",
    ]


def test_a_tool_that_fails() -> None:
    assert "tool.failed" in Replay("failing-tool").play().kinds()


def test_a_model_that_always_fails_is_told_each_time() -> None:
    """Four attempts under one run id, only the first of which is told as ended: four failures with their reason."""
    replay = Replay("always-fails").play()
    assert replay.titles("run.failed") == ["Run failed: 500 the model is out of order"] * 4
    assert replay.titles("run.started") == ["Run started"] + ["Run retried"] * 3


def test_a_model_that_fails_and_then_works() -> None:
    replay = Replay("fails-then-works").play()
    ends = [kind for kind in replay.kinds() if kind.startswith("run.")]
    assert ends == ["run.started", "run.failed", "run.started", "run.finished"]


def test_a_failure_behind_an_answer() -> None:
    """The gateway's final repeats an earlier message while the last request failed: no second final, and a failure."""
    assert "run.failed" in Replay("fails-after-tool").play().kinds()


def test_an_answer_cut_in_the_middle_is_an_error() -> None:
    replay = Replay("cut-in-the-middle").play()
    states = [state for session in replay.histories for _, _, state in replay.messages(session)]
    assert "error" in states
    assert "run.failed" in replay.kinds()


def test_aborts_keep_the_partial_text_that_history_never_gets() -> None:
    replay = Replay("aborted").play()
    messages = [message for session in replay.histories for message in replay.messages(session)]
    assert messages.count(("assistant", "partial text here", "aborted")) == 2
    assert replay.kinds().count("run.aborted") == 3


def test_a_message_to_a_busy_session_is_queued() -> None:
    replay = Replay("queued").play()
    assert replay.titles("run.queued") == ["Message queued: its session is busy"]


def test_a_gateway_stopped_in_the_middle_of_a_run() -> None:
    """What streamed stays, marked interrupted; the loss is declared once; the agent's run failed."""
    replay = Replay("sigterm-and-restart").play()
    assert ("assistant", "slow start", "interrupted") in replay.messages("agent:charlie:main")
    assert len(replay.titles("stream.gap")) == 1
    assert "run.failed" in replay.kinds()


def test_a_gateway_that_restarts_within_its_process() -> None:
    """Runs go on; the next text heals the message; it ends complete."""
    replay = Replay("sigusr1").play()
    assert replay.messages("agent:charlie:main")[-1] == ("assistant", "slow start slow end", "complete")
    assert "run.failed" not in replay.kinds()


def test_what_is_asked_of_the_gateway_is_little() -> None:
    """One list a connection; histories at connecting, at a run's start and at its end; nothing polls."""
    replay = Replay("two-in-one-session").play()
    methods = [request["method"] for request in replay.asked]
    assert methods.count("connect") == methods.count("sessions.list") == 2
    assert set(methods) == {"connect", "sessions.list", "chat.history"}
    assert methods.count("chat.history") <= 2 + 2 * 3


@pytest.mark.parametrize("name", ALL)
def test_recordings_are_clean(name: str) -> None:
    """No recording holds a path of the machine it was made on."""
    text = (RECORDINGS / f"{name}.jsonl").read_text()
    assert "/tmp/" not in text
    assert Path.home().as_posix() not in text
    for line in text.splitlines():
        json.loads(line)
