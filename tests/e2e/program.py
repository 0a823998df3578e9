"""A program under test: a subprocess whose output is read as it comes."""

import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import SIGKILL, Signals

from attrs import define, field

STOP_LIMIT_S = 20.0
LOG_TAIL = 40


@define
class Program:
    """Starts, watches and ends one program; it may be started again. `log` keeps the lines of all its runs."""

    name: str
    log: list[str] = field(factory=list)
    _process: subprocess.Popen[str] | None = None
    _news: threading.Condition = field(factory=threading.Condition)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, command: Sequence[str | Path], cwd: Path, env: Mapping[str, str]) -> None:
        """Start it in a session of its own, so that a signal reaches its children too."""
        self._process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._collect, args=(self._process,), name=f"{self.name}-log", daemon=True).start()

    def wait_line(self, wanted: Callable[[str], bool], since: int, within: float) -> str:
        """The first line from position `since` of the log on that is `wanted`. Raises RuntimeError with the log's end
        when the program ends, or the time is over, without one."""

        def found() -> str | None:
            return next(filter(wanted, self.log[since:]), None)

        with self._news:
            self._news.wait_for(lambda: found() is not None or not self.running, within)
            line = found()
        if line is None:
            raise RuntimeError(f"{self.name} did not say what was awaited:\n{self.tail()}")
        return line

    def send_signal(self, number: Signals) -> None:
        """Send a signal to the program alone."""
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, number: Signals, within: float = STOP_LIMIT_S) -> int:
        """End it with a signal to its whole session, wait for it and return its exit code (negative: the signal).
        Raises subprocess.TimeoutExpired when it does not end in time."""
        assert self._process is not None
        os.killpg(self._process.pid, number)
        return self._process.wait(within)

    def wait_ended(self, within: float) -> int:
        """Wait for its end and return its exit code. Raises subprocess.TimeoutExpired when it does not end in time."""
        assert self._process is not None
        return self._process.wait(within)

    def end_if_running(self) -> None:
        if self.running:
            self.end(SIGKILL)

    def tail(self) -> str:
        """The end of its log, for the output of a failed test."""
        return "\n".join(self.log[-LOG_TAIL:])

    def _collect(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                with self._news:
                    self.log.append(line.rstrip())
                    self._news.notify_all()
        process.wait()
        with self._news:
            self._news.notify_all()
