"""What a real OpenClaw said, as events. What holds of every gateway is in ``test_recordings.py``."""

from mission_control.core.events import Heartbeat
from tests.gateways.replay import AGENTS, Replay


def test_a_run_with_a_tool() -> None:
    """Arguments and results come to whoever subscribes; the message before the tool ends with it, and is there once."""
    replay = Replay("openclaw/one-tool").play()
    assert [kind for kind in replay.kinds() if kind != "agent.added"] == [
        "run.started",
        "tool.started",
        "tool.finished",
        "run.finished",
    ]
    [session] = replay.histories
    assert [text for _, text, _ in replay.messages(session)] == [
        "What does the log say?",
        "Let me look at the log.",
        "It says that the buoy drifts.",
    ]


def test_a_tool_that_fails() -> None:
    assert "tool.failed" in Replay("openclaw/failing-tool").play().kinds()


def test_a_model_that_always_fails_is_told_each_time() -> None:
    """Each attempt fails by itself; the last one with the model's own words, which the gateway tells at the end."""
    replay = Replay("openclaw/always-fails").play()
    failures = replay.titles("run.failed")
    assert len(failures) == 7
    assert all("HTTP 500" in failure for failure in failures[:-1])
    assert failures[-1].startswith("Run failed: 500 the model is out of order")
    assert replay.titles("run.started")[1:] == ["Run started"] + ["Run retried"] * 6


def test_a_model_that_fails_and_then_works() -> None:
    replay = Replay("openclaw/fails-then-works").play()
    ends = [kind for kind in replay.kinds() if kind.startswith("run.")]
    assert ends == ["run.started", "run.failed"] * 4 + ["run.started", "run.finished"]


def test_a_failure_behind_an_answer() -> None:
    replay = Replay("openclaw/fails-after-tool").play()
    assert replay.titles("run.failed") == ["Run failed: 400 the model has lost its voice"]
    [session] = replay.histories
    assert replay.messages(session)[-1] == ("assistant", "Let me look.", "complete")


def test_a_model_that_refuses_is_told_once() -> None:
    """The gateway says it three times, and stores it as if the agent had said it."""
    replay = Replay("openclaw/refused-by-model").play()
    assert replay.titles("run.failed") == ["Run failed: 400 the model has lost its voice"]
    [session] = replay.histories
    assert replay.messages(session)[-1] == ("user", "Where is the key?", "complete")


def test_an_answer_cut_in_the_middle_is_an_error_each_time() -> None:
    replay = Replay("openclaw/cut-in-the-middle").play()
    [session] = replay.histories
    attempts = [message for message in replay.messages(session) if message[1] == "All stations, all sta"]
    assert attempts == [("assistant", "All stations, all sta", "error")] * len(replay.titles("run.failed"))


def test_aborts_keep_the_partial_text_once() -> None:
    """It comes with the abort, and again as a stored message with another time; two ends follow, one a failure."""
    replay = Replay("openclaw/aborted").play()
    [session] = replay.histories
    messages = replay.messages(session)
    assert messages.count(("assistant", "Once upon a time", "aborted")) == 2
    assert [text for _, text, _ in messages].count("Once upon a time") == 2
    assert replay.kinds().count("run.aborted") == 2
    assert "run.failed" not in replay.kinds()


def test_a_message_to_a_busy_session_goes_into_the_run() -> None:
    """Between two messages of it, or in place of a tool. It goes on although one of them could be its last."""
    queued = Replay("openclaw/queued").play()
    assert queued.kinds()[len(AGENTS) :] == ["run.started", "run.queued", "run.finished"]
    steered = Replay("openclaw/steered").play()
    assert steered.kinds().count("tool.failed") == steered.kinds().count("run.queued") == 1
    for replay, texts in (
        (queued, ["This is the answer.", "Here is the second question.", "And this is another."]),
        (steered, ["Let me look.", "Here is the fourth question.", "And that is another."]),
    ):
        [session] = replay.histories
        assert [text for _, text, _ in replay.messages(session)][1:] == texts


def test_a_run_that_is_met_in_its_middle_has_all_that_it_said_and_did() -> None:
    replay = Replay("openclaw/joined-in-the-middle").play()
    [session] = replay.histories
    assert replay.messages(session) == [
        ("user", "How is the jib?", "complete"),
        ("assistant", "Let me look.", "complete"),
        ("assistant", "The jib is furled.", "complete"),
    ]
    assert [kind for kind in replay.kinds() if kind != "agent.added"] == [
        "run.started",
        "tool.started",
        "tool.finished",
        "run.finished",
    ]
    assert list(replay.joined_chunks().values()) == ["The jib is furled."]


def test_a_connection_that_is_lost_while_runs_go_on() -> None:
    """One goes on, with all that it said meanwhile; one was aborted meanwhile, and is known to be."""
    replay = Replay("openclaw/connection-lost").play()
    alpha, bravo = sorted(replay.histories)
    assert replay.messages(alpha)[-1] == ("assistant", "The sails are dry again.", "complete")
    assert replay.messages(bravo)[-1] == ("assistant", "The mast", "aborted")
    assert replay.titles("run.aborted") == ["Run aborted"]
    assert replay.titles("stream.gap") == []


def test_a_gateway_that_is_stopped_waits_for_its_runs() -> None:
    replay = Replay("openclaw/sigterm-and-restart").play()
    [session] = replay.histories
    assert replay.messages(session)[-1] == ("assistant", "The tide is in.", "complete")
    assert "run.failed" not in replay.kinds()


def test_a_killed_gateway_takes_up_its_run_as_another_one() -> None:
    """What streamed stays, marked interrupted; the loss is declared once; the next run tells the rest."""
    replay = Replay("openclaw/sigkill-and-resume").play()
    [session] = replay.histories
    *_, interrupted, told_to_go_on, answer = replay.messages(session)
    assert interrupted == ("assistant", "The keel", "interrupted")
    assert told_to_go_on[0] == "user"
    assert answer == ("assistant", "The keel is straight.", "complete")
    assert len(replay.titles("stream.gap")) == 1
    assert replay.titles("run.failed") == ["Run failed: the gateway restarted in the middle of the run"]


def test_a_heartbeat_is_a_sign_of_life_and_its_message_is_there() -> None:
    replay = Replay("openclaw/heartbeat").play()
    [session] = replay.histories
    assert {text for _, text, _ in replay.messages(session)} == {"All is quiet."}
    beats = [draft for draft in replay.drafts if draft.ephemeral and isinstance(draft.payload, Heartbeat)]
    assert "alpha" in {draft.agent_id for draft in beats}


def test_what_is_asked_of_the_gateway_is_little() -> None:
    """Three requests a connection, one for each session to repair, and one at each run's end; nothing polls."""
    replay = Replay("openclaw/two-in-one-session").play()
    methods = [request["method"] for request in replay.asked]
    for once in ("connect", "sessions.subscribe", "sessions.list", "agents.list"):
        assert methods.count(once) == 2
    assert methods.count("chat.history") <= 2 + 3
    assert len(methods) == 8 + methods.count("chat.history")
