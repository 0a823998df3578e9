"""What agents do, whatever their gateway speaks: actions in, what is said of them out, and the truth of it.

How it is stored and said is a :class:`mission_control.simulate.voice.Voice`.
"""

import random
from collections.abc import Iterator
from typing import Any, Literal

from mission_control.simulate.chronicle import Chronicle, Witness, unwitnessed
from mission_control.simulate.fleet import new_id
from mission_control.simulate.script import (
    Abort,
    Action,
    Ask,
    AskWhileBusy,
    Break,
    CallTool,
    Fail,
    Finish,
    Retry,
    Say,
    ToolEnds,
    ToolPrints,
)
from mission_control.simulate.sessions import Entry, Session, text_content
from mission_control.simulate.voice import Call, Run, Said, Voice
from mission_control.truth import Outcome


class Actor:
    """One agent on the gateway's stage: its sessions and its run. A ``witness`` is told what it really did."""

    def __init__(
        self,
        agent_id: str,
        session_keys: tuple[str, ...],
        rng: random.Random,
        voice: Voice,
        witness: Witness = unwitnessed,
    ) -> None:
        self.agent_id = agent_id
        self.session_keys = session_keys
        self.sessions: dict[str, Session] = {}
        """By key; a session exists once it was used."""
        self._rng = rng
        self._voice = voice
        self._chronicle = Chronicle(agent_id, witness)
        self._run: Run | None = None

    def under_way(self, session_key: str) -> Run | None:
        """The run that goes on in a session."""
        run = self._run
        return run if run is not None and run.goes_on and run.session.key == session_key else None

    def act(self, action: Action, now: int) -> Iterator[Said]:
        """What the gateway says about an action at ``now`` (ms), in order."""
        match action:
            case Say(delta):
                return self._say(delta, now)
            case Ask(session, prompt):
                return self._ask(session, prompt, now)
            case AskWhileBusy():
                return self._voice.asked_while_busy(self._open_run(), self._new_id())
            case CallTool(name, arguments):
                return self._call(name, arguments, now)
            case ToolPrints(text):
                return self._print(text, now)
            case ToolEnds(text, failed):
                return self._end_call(text, failed, now)
            case Finish():
                return self._finish(now)
            case Break():
                return self._break(now)
            case Fail(error, again):
                return self._fail(error, again, now)
            case Retry():
                return self._retry(now)
            case Abort():
                return self._abort(now)

    def conclude(self, now: int) -> Iterator[Said]:
        """Bring the run that goes on to its end, if there is one."""
        run = self._run
        if run is None or not run.goes_on:
            return
        if run.over:
            yield from self._retry(now)
        if run.call is not None:
            yield from self._end_call("stopped", False, now)
        if not run.text:
            yield from self._say("Done.", now)
        yield from self._finish(now)

    def die(self, now: int) -> None:
        """The gateway's process ends, and with it the run and whatever of it is not stored."""
        run, self._run = self._run, None
        if run is not None and not run.over:
            self._stop(run, "lost", now)

    def _ask(self, session_key: str, prompt: str, now: int) -> Iterator[Said]:
        session = self.sessions.get(session_key)
        if session is None:
            session = self.sessions[session_key] = Session(session_key, self._new_id(), now)
        session.updated_at = now
        self._run = run = Run(self._new_id(), session, began=now, requested_at=now)
        self._chronicle.asked(session_key, run.id, prompt, now)
        yield from self._voice.asked(run, prompt, now)
        if session.is_written:
            self._chronicle.stored()

    def _say(self, delta: str, now: int) -> Iterator[Said]:
        run = self._open_run()
        run.text += delta
        yield from self._voice.said(run, delta, now)

    def _call(self, name: str, arguments: dict[str, Any], now: int) -> Iterator[Said]:
        run = self._open_run()
        pid = self._rng.randrange(2000, 60_000)
        run.call = call = Call(f"call_{self._rng.randbytes(5).hex()}", name, arguments, now, pid)
        yield from self._voice.called(run, call, now)
        self._answered(run, "complete", now)
        if run.text:
            run.texts.append(run.text)
            run.text = ""

    def _print(self, text: str, now: int) -> Iterator[Said]:
        run, call = self._open_call()
        call.printed += text
        details = {
            "status": "running",
            "sessionId": "simulated-shell",
            "pid": call.pid,
            "startedAt": call.started_at,
            "cwd": self._workspace,
            "tail": call.printed,
        }
        yield from self._voice.printed(run, call, {"content": text_content(call.printed), "details": details}, now)

    def _end_call(self, text: str, failed: bool, now: int) -> Iterator[Said]:
        run, call = self._open_call()
        result: Entry = {"content": text_content(text)}
        if failed:
            result["details"] = {"status": "error", "tool": call.name, "error": text}
        elif call.printed:
            printed = call.printed.rstrip()
            result = {
                "content": text_content(printed),
                "details": {
                    "status": "completed",
                    "exitCode": 0,
                    "durationMs": now - call.started_at,
                    "aggregated": printed,
                    "cwd": self._workspace,
                },
            }
        self._called(run, call, now, failed=failed)
        yield from self._voice.call_ended(run, call, result, now, failed=failed)
        run.call = None
        run.requested_at = now

    def _finish(self, now: int) -> Iterator[Said]:
        run = self._open_run()
        self._answered(run, "complete", now)
        self._end(run, "complete", now)
        yield from self._voice.finished(run, now)

    def _break(self, now: int) -> Iterator[Said]:
        run = self._open_run()
        self._answered(run, "error", now)
        self._end(run, "error", now)
        yield from self._voice.broke_off(run, now)

    def _fail(self, error: str, again: bool, now: int) -> Iterator[Said]:
        run = self._open_run()
        run.again = again
        self._chronicle.stored()
        self._end(run, "error", now)
        yield from self._voice.failed(run, error, now)

    def _retry(self, now: int) -> Iterator[Said]:
        run = self._open_run()
        run.began = run.requested_at = now
        run.over = run.again = False
        yield from self._voice.tried_again(run, now)

    def _abort(self, now: int) -> Iterator[Said]:
        run = self._open_run()
        self._stop(run, "aborted", now)
        run.session.updated_at = now
        yield from self._voice.aborted(run, now)

    def _stop(self, run: Run, outcome: Literal["aborted", "lost"], now: int) -> None:
        """The run ends, and with it what is not complete."""
        run.session.stopped()
        self._chronicle.forgotten()
        self._chronicle.said(run.session.key, run.id, run.text, outcome, run.requested_at, now)
        if run.call is not None:
            self._called(run, run.call, now, failed=None)
        self._over(run, outcome, now)

    def _end(self, run: Run, outcome: Outcome, now: int) -> None:
        run.session.updated_at = now
        self._over(run, outcome, now)

    def _over(self, run: Run, outcome: Outcome, now: int) -> None:
        run.over = True
        self._chronicle.ran(run.session.key, run.id, run.began, now, outcome)

    def _answered(self, run: Run, state: Literal["complete", "error"], now: int) -> None:
        """The session has stored what was asked and said so far."""
        self._chronicle.stored()
        self._chronicle.said(run.session.key, run.id, run.text, state, run.requested_at, now)

    def _called(self, run: Run, call: Call, now: int, *, failed: bool | None) -> None:
        self._chronicle.called(run.session.key, run.id, call.id, call.name, call.started_at, now, failed=failed)

    def _open_run(self) -> Run:
        assert self._run is not None, "a script asks before it does anything else"
        return self._run

    def _open_call(self) -> tuple[Run, Call]:
        run = self._open_run()
        assert run.call is not None, "a script calls a tool before the tool says anything"
        return run, run.call

    @property
    def _workspace(self) -> str:
        return f"/srv/workspaces/{self.agent_id}"

    def _new_id(self) -> str:
        return new_id(self._rng)
