"""What holds of everything that real gateways said. Each recording is one thing that a real gateway does."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.gateways.replay import RECORDINGS, Replay

ALL = sorted(str(path.relative_to(RECORDINGS).with_suffix("")) for path in RECORDINGS.glob("*claw*/*.jsonl"))


def text_of(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def aborted(entry: dict[str, Any]) -> bool:
    return "openclawAbort" in entry


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
    assert replay.dialect.record.statistics().malformed_frames == 0
    assert replay.dialect.record.statistics().unknown_frames == 0


@pytest.mark.parametrize("name", ALL)
def test_the_end_is_what_the_gateway_itself_remembers(name: str) -> None:
    """Every user's message and every finished answer that the gateway has is there once, with its text, in order."""
    replay = Replay(name).play()
    for session, entries in replay.histories.items():
        stored = [
            (entry["role"], text_of(entry["content"]).strip())
            for entry in entries
            if entry["role"] in ("user", "assistant") and entry.get("stopReason") != "error" and not aborted(entry)
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


@pytest.mark.parametrize("name", ALL)
def test_recordings_are_clean(name: str) -> None:
    """No recording holds a path of the machine it was made on."""
    text = (RECORDINGS / f"{name}.jsonl").read_text()
    assert "/tmp/" not in text
    assert Path.home().as_posix() not in text
    for line in text.splitlines():
        json.loads(line)
