"""The golden sessions are the daemon's: what they let it say, it says in just that shape.

Inputs marked ``foreign`` are what no daemon of this version sends, such as malformed frames.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from mission_control.core import frames
from mission_control.core.events import decode_event, decode_payload, encode
from mission_control.core.views import Snapshot
from mission_control.stores.memory import MemoryJournal
from scripts.paths import ROOT
from tests.client.scripted import scripts
from tests.edge.world import subscribed, world
from tests.stores.samples import BETA, OTHER, FakeClock, activity, beat, chunk, final, status

SCRIPTS = dict(scripts())
CLOSING = dict(re.findall(r"^\| (\d{4}) \| (`.*?`) \|", (ROOT / "docs" / "protocol.md").read_text(), re.MULTILINE))


def own(script: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The inputs that are the daemon's, or where a socket opens or closes."""
    return (given for given in script["inputs"] if not given.get("foreign") and "expect" not in given)


def said(frame: dict[str, Any]) -> Any:
    """The frame as the daemon says it: read into what it is made from, and made."""
    body = encode(frame)
    match frame["op"]:
        case "welcome":
            return json.loads(frames.text(msgspec.json.decode(body, type=frames.Welcome)))
        case "pong":
            return json.loads(frames.text(msgspec.json.decode(body, type=frames.Pong)))
        case "notice":
            return json.loads(frames.text(msgspec.json.decode(body, type=frames.Notice)))
        case "error":
            return json.loads(frames.text(msgspec.json.decode(body, type=frames.ErrorFrame)))
        case "snapshot":
            snapshot = msgspec.json.decode(body, type=Snapshot)
            request_id = msgspec.Raw(encode(frame["id"])) if "id" in frame else msgspec.UNSET
            made = json.loads(frames.snapshot_frame(encode(snapshot), frame["reason"], request_id))
            return {**made, "feed": [envelope(event) for event in frame["feed"]]}
        case "events":
            envelopes = [encode(envelope(event)) for event in frame["events"]]
            return json.loads(frames.events_frame(envelopes, frame["offset"]))
    return None


def envelope(event: dict[str, Any]) -> dict[str, Any]:
    committed = decode_event(encode(event))
    payload = decode_payload(committed.type, committed.payload)
    return {**json.loads(encode(committed)), "payload": json.loads(encode(payload))}


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_daemon_makes_these_frames(name: str) -> None:
    """No field is missing that the daemon sends, and none is there that it does not."""
    for given in own(SCRIPTS[name]):
        if "frame" in given:
            assert said(given["frame"]) == given["frame"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_daemon_sends_them_in_this_order(name: str) -> None:
    """A welcome first, a snapshot where one was promised, then events whose offsets only grow, each once."""
    due, before = "welcome", 0
    for given in own(SCRIPTS[name]):
        frame = given.get("frame", {})
        if given.get("open"):
            due = "welcome"
        if frame.get("op") not in ("welcome", "snapshot", "events"):
            continue
        assert frame["op"] == due or (due == "events" and frame["op"] == "snapshot")
        if frame["op"] == "welcome":
            due, before = ("snapshot" if frame["resume"] == "snapshot" else "events"), frame["cursor"]["offset"]
        elif frame["op"] == "snapshot":
            due, before = "events", frame["cursor"]["offset"]
        else:
            offsets = [event["offset"] for event in frame["events"] if event["offset"] is not None]
            assert [before, *offsets] == sorted({before, *offsets})
            assert frame["offset"] >= max([before, *offsets])
            before = frame["offset"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_daemon_closes_for_these_reasons(name: str) -> None:
    """An error frame is followed by the close that belongs to it."""
    error = None
    for given in own(SCRIPTS[name]):
        frame = given.get("frame", {})
        if frame.get("op") == "error":
            error = frame["code"]
        elif error is not None and "close" in given:
            assert f"`{error}`" in CLOSING[str(given["close"])]
            error = None
    assert error is None


async def told() -> list[dict[str, Any]]:
    """What a daemon says in the course of two connections, with something in between and its own end."""
    journal = MemoryJournal(FakeClock())
    await journal.append([status("s1"), activity("a1", "run.started"), chunk("m", 0)])
    async with world(journal) as there:
        async with subscribed(there) as first:
            first.say('{"op":"hello"}')
            await first.wait_frames(2)
            for count, drafts in enumerate(
                [
                    [chunk("m", 1)],
                    [chunk("m", 2), final("m", "word word word "), activity("a2", "run.finished")],
                    [beat("b1", at=1_000_000)],
                    [beat("b2", of=BETA, ephemeral=False), status("s2", "reconnecting", timestamp=40)],
                ]
            ):
                await there.commit(*drafts)
                await first.wait_frames(3 + count)
            first.say('{"op":"ping","t":1000060}')
            await first.wait_frames(7)
        await there.commit(activity("a3"), chunk("n", 0, of=OTHER))
        async with subscribed(there) as second:
            cursor = {"epoch": "memory", "offset": 9}
            second.say(json.dumps({"op": "hello", "cursor": cursor}))
            await second.wait_frames(2)
            there.services.shutdown.begun.set()
            await second.wait_frames(3)
    return [json.loads(frame) for frame in [*first.frames, *second.frames]]


async def test_the_daemon_says_it_word_for_word(autojump_clock: object) -> None:
    """One of the sessions is a daemon's own, but for the session's id, which is random."""
    script = SCRIPTS["as-the-daemon-says-it"]
    frames = [given["frame"] for given in script["inputs"] if "frame" in given]
    assert [{**frame, "session": "s-1"} if "session" in frame else frame for frame in await told()] == frames
