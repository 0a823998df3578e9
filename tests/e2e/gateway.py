"""The real gateway: `clawdbot` from npm, started headless on loopback with its state in a directory of the test's."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attrs import define, field

from scripts import gateway as package
from scripts import node
from tests.e2e.operator_client import Operator
from tests.e2e.program import STOP_LIMIT_S, Program

START_LIMIT_S = 90.0
"""A cold start took 31 s on a slow machine."""

READY = "listening on ws://"
APPLIED = "config change applied"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@define
class RealGateway:
    """One gateway process. `start` after `stop` or `kill` brings it back with the same state, port and token.

    `heartbeat` maps an agent to its heartbeat interval ("12s"); the others have none.
    """

    state: Path
    model_url: str
    agents: tuple[str, ...] = ("alpha", "bravo", "charlie")
    heartbeat: dict[str, str] = field(factory=dict)
    token: str = "operator-token-of-the-tests"
    port: int = field(factory=free_port)
    program: Program = field(factory=lambda: Program("the gateway"))

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def config_path(self) -> Path:
        return self.state / "clawdbot.json"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.program.end_if_running()

    def start(self) -> None:
        """Start the process and return once it has answered a handshake."""
        self.write_config()
        node_bin = node.bin_dir(node.GATEWAY_MINIMUM)
        seen = len(self.program.log)
        options = ["--port", str(self.port), "--bind", "loopback", "--token", self.token]
        command: list[str | Path] = [node_bin / "node", package.install(), "gateway", *options]
        self.program.start(command, cwd=self.state, env=self.environment(node_bin))
        self.wait_ready(since=seen)

    def stop(self, within: float = STOP_LIMIT_S) -> int:
        """End it as a service manager would (SIGTERM); returns its exit code."""
        return self.program.end(signal.SIGTERM, within)

    def kill(self) -> None:
        """End it without a warning (SIGKILL)."""
        self.program.end(signal.SIGKILL)

    def reload(self) -> None:
        """Restart within the process (SIGUSR1), as the gateway does after a change of its configuration."""
        seen = len(self.program.log)
        self.program.send_signal(signal.SIGUSR1)
        self.wait_ready(since=seen)

    def operator(self, **options: Any) -> Operator:
        """A client of this gateway. See `Operator` for the options."""
        return Operator(self.url, self.token, **options)

    def wait_ready(self, since: int) -> None:
        """Wait until the log, from line `since` on, says that it listens, and it answers a handshake."""
        self.program.wait_line(lambda line: READY in line, since, START_LIMIT_S)
        with self.operator(scopes=("operator.read",)):
            pass

    @contextmanager
    def changed(self, agents: tuple[str, ...]) -> Iterator[None]:
        """With other agents in its configuration, which it rereads by itself; at the end it has the old ones again."""
        old = self.agents
        self.reconfigure(agents)
        try:
            yield
        finally:
            self.reconfigure(old)

    def reconfigure(self, agents: tuple[str, ...]) -> None:
        """Change the configuration file, as the gateway's owner would, and return once all its clients know."""
        seen = len(self.program.log)
        self.agents = agents
        self.write_config()
        self.program.wait_line(lambda line: APPLIED in line, seen, START_LIMIT_S)
        with self.operator(scopes=("operator.read",)):
            pass  # whoever connects makes the gateway look after its agents and tell everyone

    def write_config(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        pending = self.config_path.with_suffix(".new")
        pending.write_text(json.dumps(self.config(), indent=1))
        pending.replace(self.config_path)

    def config(self) -> dict[str, Any]:
        model = {
            "id": "stand-in",
            "name": "Stand-in",
            "reasoning": False,
            "input": ["text"],
            "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
            "contextWindow": 200_000,
            "maxTokens": 8192,
        }
        provider = {"baseUrl": self.model_url, "apiKey": "none", "api": "openai-completions", "models": [model]}
        return {
            "gateway": {
                "mode": "local",
                "port": self.port,
                "bind": "loopback",
                "auth": {"mode": "token", "token": self.token},
            },
            "models": {"mode": "replace", "providers": {"local": provider}},
            "agents": {
                "defaults": {
                    "model": {"primary": "local/stand-in"},
                    "workspace": str(self.state / "workspace"),
                    "skipBootstrap": True,
                    "verboseDefault": "on",
                    "maxConcurrent": 8,
                    "timeoutSeconds": 600,
                    "memorySearch": {"enabled": False},
                    "heartbeat": {"every": "0m"},
                },
                "list": [self.agent_config(name) for name in self.agents],
            },
            "commands": {"restart": True},  # else it ignores SIGUSR1
            "logging": {"file": str(self.state / "gateway.log")},
            "update": {"checkOnStart": False},
            "browser": {"enabled": False},
            "skills": {"allowBundled": ["none-of-them"]},
        }

    def agent_config(self, name: str) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "id": name,
            "name": name.title(),
            "workspace": str(self.workspace(name)),
            "default": name == self.agents[0],
        }
        if name in self.heartbeat:
            entry["heartbeat"] = {"every": self.heartbeat[name]}
        return entry

    def workspace(self, name: str) -> Path:
        """The directory in which an agent's tools work."""
        path = self.state / "workspaces" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def environment(self, node_bin: Path) -> dict[str, str]:
        """A closed environment: nothing of the developer's own gateway leaks in."""
        home = self.state / "home"
        home.mkdir(exist_ok=True)
        skips = ("CHANNELS", "BROWSER_CONTROL_SERVER", "CANVAS_HOST", "GMAIL_WATCHER")
        return {
            "PATH": os.pathsep.join([str(node_bin), os.environ.get("PATH", os.defpath)]),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NODE_OPTIONS": "--no-warnings",
            "CLAWDBOT_NO_RESPAWN": "1",
            "CLAWDBOT_STATE_DIR": str(self.state),
            "CLAWDBOT_CONFIG_PATH": str(self.config_path),
            "CLAWDBOT_DISABLE_BONJOUR": "1",
            **{f"CLAWDBOT_SKIP_{name}": "1" for name in skips},
        }
