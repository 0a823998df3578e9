"""What a real Clawdbot gateway said, as events. What holds of every gateway is in ``test_recordings.py``."""

from tests.gateways.replay import Replay


def test_a_run_with_a_tool() -> None:
    replay = Replay("clawdbot/one-tool").play()
    assert [kind for kind in replay.kinds() if kind != "agent.added"] == [
        "run.started",
        "tool.started",
        "tool.finished",
        "run.finished",
    ]


def test_a_tool_that_fails() -> None:
    assert "tool.failed" in Replay("clawdbot/failing-tool").play().kinds()


def test_a_model_that_always_fails_is_told_each_time() -> None:
    """Four attempts under one run id, only the first of which is told as ended: four failures with their reason."""
    replay = Replay("clawdbot/always-fails").play()
    assert replay.titles("run.failed") == ["Run failed: 500 the model is out of order"] * 4
    assert replay.titles("run.started") == ["Run started"] + ["Run retried"] * 3


def test_a_model_that_fails_and_then_works() -> None:
    replay = Replay("clawdbot/fails-then-works").play()
    ends = [kind for kind in replay.kinds() if kind.startswith("run.")]
    assert ends == ["run.started", "run.failed", "run.started", "run.finished"]


def test_a_failure_behind_an_answer() -> None:
    """The gateway's final repeats an earlier message while the last request failed: no second final, and a failure."""
    assert "run.failed" in Replay("clawdbot/fails-after-tool").play().kinds()


def test_an_answer_cut_in_the_middle_is_an_error() -> None:
    replay = Replay("clawdbot/cut-in-the-middle").play()
    states = [state for session in replay.histories for _, _, state in replay.messages(session)]
    assert "error" in states
    assert "run.failed" in replay.kinds()


def test_aborts_keep_the_partial_text_that_history_never_gets() -> None:
    replay = Replay("clawdbot/aborted").play()
    messages = [message for session in replay.histories for message in replay.messages(session)]
    assert messages.count(("assistant", "partial text here", "aborted")) == 2
    assert replay.kinds().count("run.aborted") == 3


def test_a_message_to_a_busy_session_is_queued() -> None:
    replay = Replay("clawdbot/queued").play()
    assert replay.titles("run.queued") == ["Message queued: its session is busy"]


def test_a_gateway_stopped_in_the_middle_of_a_run() -> None:
    """What streamed stays, marked interrupted; the loss is declared once; the agent's run failed."""
    replay = Replay("clawdbot/sigterm-and-restart").play()
    assert ("assistant", "slow start", "interrupted") in replay.messages("agent:charlie:main")
    assert len(replay.titles("stream.gap")) == 1
    assert "run.failed" in replay.kinds()


def test_a_gateway_that_restarts_within_its_process() -> None:
    """Runs go on; the next text heals the message; it ends complete."""
    replay = Replay("clawdbot/sigusr1").play()
    assert replay.messages("agent:charlie:main")[-1] == ("assistant", "slow start slow end", "complete")
    assert "run.failed" not in replay.kinds()


def test_what_is_asked_of_the_gateway_is_little() -> None:
    """One list a connection; histories at connecting, at a run's start and at its end; nothing polls."""
    replay = Replay("clawdbot/two-in-one-session").play()
    methods = [request["method"] for request in replay.asked]
    assert methods.count("connect") == methods.count("sessions.list") == 2
    assert set(methods) == {"connect", "sessions.list", "chat.history"}
    assert methods.count("chat.history") <= 2 + 2 * 3
