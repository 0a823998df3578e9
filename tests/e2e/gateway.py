"""A real gateway: `clawdbot` or `openclaw` from npm, started headless on loopback with its state in a directory of the
test's."""

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

from scripts import node
from scripts.gateway import CLAWDBOT, OPENCLAW, Package
from tests.e2e.operator_client import Operator
from tests.e2e.program import STOP_LIMIT_S, Program

START_LIMIT_S = 180.0
"""A cold start took 31 s on a slow machine; OpenClaw's, on one that was busy besides, 100 s."""

READY = {CLAWDBOT: "listening on ws://", OPENCLAW: "[gateway] ready"}
APPLIED = {CLAWDBOT: "config change applied", OPENCLAW: "config hot reload applied"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@define
class RealGateway:
    """One gateway process. `start` after `stop` or `kill` brings it back with the same state, port and token.

    `package` is the program. `heartbeat` maps an agent to its heartbeat interval ("12s"); the others have none.
    """

    state: Path
    model_url: str
    agents: tuple[str, ...] = ("alpha", "bravo", "charlie")
    package: Package = CLAWDBOT
    heartbeat: dict[str, str] = field(factory=dict)
    token: str = "operator-token-of-the-tests"
    port: int = field(factory=free_port)
    program: Program = field(factory=lambda: Program("the gateway"))

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def config_path(self) -> Path:
        return self.state / f"{self.package.name}.json"

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
        if self.package is OPENCLAW:
            self.write_retries()
        node_bin = node.bin_dir(self.package.node)
        seen = len(self.program.log)
        options = ["--port", str(self.port), "--bind", "loopback", "--token", self.token]
        command: list[str | Path] = [node_bin / "node", self.package.install(), "gateway", *options]
        self.program.start(command, cwd=self.state, env=self.environment(node_bin))
        self.wait_ready(since=seen)

    def stop(self, within: float = STOP_LIMIT_S) -> int:
        """End it as a service manager would (SIGTERM); returns its exit code."""
        return self.program.end(signal.SIGTERM, within)

    def begin_to_stop(self) -> None:
        """Send the signal and do not wait."""
        self.program.send_signal(signal.SIGTERM)

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
        self.program.wait_line(lambda line: READY[self.package] in line, since, START_LIMIT_S)
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
        self.program.wait_line(lambda line: APPLIED[self.package] in line, seen, START_LIMIT_S)
        with self.operator(scopes=("operator.read",)):
            pass  # whoever connects makes Clawdbot look after its agents and tell everyone

    def write_config(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        pending = self.config_path.with_suffix(".new")
        pending.write_text(json.dumps(self.config(), indent=1))
        pending.replace(self.config_path)

    def config(self) -> dict[str, Any]:
        return self.openclaw_config() if self.package is OPENCLAW else self.clawdbot_config()

    def clawdbot_config(self) -> dict[str, Any]:
        config = self.common_config()
        config["agents"]["defaults"]["memorySearch"] = {"enabled": False}
        config["agents"]["list"] = [
            {"id": name, "default": name == self.agents[0], **self.agent_config(name)} for name in self.agents
        ]
        return config | {"browser": {"enabled": False}, "skills": {"allowBundled": ["none-of-them"]}}

    def openclaw_config(self) -> dict[str, Any]:
        """In the form into which it brings an older one by itself: one that it has to change it does not reread."""
        config = self.common_config()
        first = {"agentId": self.agents[0]}
        config["agents"]["defaults"] |= {"systemAgent": first, "authInheritance": first}
        config["agents"] |= {
            "ownership": "explicit",
            "entries": {name: self.agent_config(name) for name in self.agents},
        }
        config["models"]["catalogRefresh"] = {"enabled": False}
        return config | {"talk": first, "memory": {"search": {"enabled": False}}}

    def common_config(self) -> dict[str, Any]:
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
                    "heartbeat": {"every": "0m"},
                },
            },
            "commands": {"restart": True},  # else Clawdbot ignores SIGUSR1
            "logging": {"file": str(self.state / "gateway.log")},
            "update": {"checkOnStart": False},
        }

    def agent_config(self, name: str) -> dict[str, Any]:
        entry: dict[str, Any] = {"name": name.title(), "workspace": str(self.workspace(name))}
        if name in self.heartbeat:
            entry["heartbeat"] = {"every": self.heartbeat[name]}
        return entry

    def write_retries(self) -> None:
        """One retry of a failed model: OpenClaw makes eight, for more than a minute."""
        for name in self.agents:
            settings = self.state / "agents" / name / "agent" / "settings.json"
            settings.parent.mkdir(parents=True, exist_ok=True)
            settings.write_text(json.dumps({"retry": {"provider": {"maxRetries": 1}}}))

    def workspace(self, name: str) -> Path:
        """The directory in which an agent's tools work."""
        path = self.state / "workspaces" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def environment(self, node_bin: Path) -> dict[str, str]:
        """A closed environment: nothing of the developer's own gateway leaks in."""
        home = self.state / "home"
        home.mkdir(exist_ok=True)
        off = ("NO_RESPAWN", "NO_AUTO_UPDATE", "DISABLE_BONJOUR")
        skips = ("CHANNELS", "BROWSER_CONTROL_SERVER", "CANVAS_HOST", "GMAIL_WATCHER")
        prefix = self.package.name.upper()
        return {
            "PATH": os.pathsep.join([str(node_bin), os.environ.get("PATH", os.defpath)]),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NODE_OPTIONS": "--no-warnings",
            f"{prefix}_STATE_DIR": str(self.state),
            f"{prefix}_CONFIG_PATH": str(self.config_path),
            **{f"{prefix}_{name}": "1" for name in off},
            **{f"{prefix}_SKIP_{name}": "1" for name in skips},
        }
