"""The chaos kit as its user has it: a simulated gateway, a daemon that watches it, and the verdict, each a process."""

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from mission_control.truth import Cut, Envelope, Message, Restart, Run, Tool, read_truth
from tests.commands import Program, finish, start

PATIENCE_S = 120
"""For the slowest of machines; it takes a quarter of that."""


@asynccontextmanager
async def simulated(home: Path, *args: str) -> AsyncIterator[tuple[Program, str]]:
    """A simulated gateway and its URL."""
    words = ("--truth", str(home / "truth.jsonl"), "--token-file", str(home / "token"), *args)
    program = await start(home, "simulate", *words)
    try:
        yield program, (await program.line()).split()[-1]
    finally:
        await program.kill()


@asynccontextmanager
async def watching(home: Path, gateway: str, kind: str = "clawdbot") -> AsyncIterator[tuple[Program, str]]:
    """A daemon that watches a gateway, and its URL."""
    config = home / "watching.toml"
    config.write_text(f'[[gateways]]\nurl = "{gateway}"\ntoken_file = "{home / "token"}"\nkind = "{kind}"\n')
    words = ("--config", str(config), "--data-dir", str(home / "data"))
    program = await start(home, "run", "--listen", "127.0.0.1:0", *words)
    try:
        lines = [await program.line() for _ in range(2)]
        yield program, lines[1].split()[-1]
    finally:
        await program.kill()


async def test_without_faults_nothing_is_lost_repeated_reordered_or_altered(tmp_path: Path) -> None:
    """Journal, history and stream are the truth, by the running daemon and by its file after it was killed."""
    load = ("--agents", "5", "--rate", "10", "--seed", "7", "--profile", "tools", "--duration", "8s")
    with trio.fail_after(PATIENCE_S):
        async with simulated(tmp_path, *load) as (gateway, url), watching(tmp_path, url) as (_, daemon):
            assert await gateway.process.wait() == 0
            truth = read_truth(tmp_path / "truth.jsonl")
            assert len(truth.of(Message)) > 10
            assert len(truth.of(Tool)) > 10
            against = ("verify", "--truth", str(tmp_path / "truth.jsonl"))
            done = await finish(tmp_path, *against, "--journal", str(tmp_path / "data"), "--url", daemon)
            assert (done.code, done.err) == (0, ""), done
            for name in ("journal", "history", "stream"):
                assert any(line.startswith(name) for line in done.out.splitlines())
        done = await finish(tmp_path, *against, "--journal", str(tmp_path / "data"), "--json")
    verdict = json.loads(done.out)
    assert (done.code, verdict["clean"], verdict["findings"]) == (0, True, [])
    assert set(verdict["counts"]) == {"lost", "repeated", "reordered", "altered", "declared"}
    assert verdict["read"]["journal"] > 100


async def test_a_source_in_our_own_envelope_is_followed_exactly(tmp_path: Path) -> None:
    """Every event by its own number and id, although its connections are cut: it can say again what was missed."""
    load = ("--agents", "4", "--rate", "10", "--seed", "7", "--duration", "8s", "--faults", "disconnect=2s")
    with trio.fail_after(PATIENCE_S):
        async with (
            simulated(tmp_path, *load, "--dialect", "envelope") as (gateway, url),
            watching(tmp_path, url, "envelope") as (_, daemon),
        ):
            assert await gateway.process.wait() == 0
            truth = read_truth(tmp_path / "truth.jsonl")
            assert len(truth.of(Envelope)) > 200
            assert len(truth.of(Cut)) > 1
            done = await finish(tmp_path, "verify", "--truth", str(tmp_path / "truth.jsonl"), "--url", daemon)
    assert (done.code, done.err) == (0, ""), done
    assert "declared   0" in done.out.splitlines()


async def test_an_openclaw_that_goes_away_is_followed_exactly(tmp_path: Path) -> None:
    """By the same daemon: which program it is the gateway says, when it is ready."""
    load = ("--agents", "4", "--rate", "10", "--seed", "7", "--profile", "tools", "--duration", "10s")
    faults = ("--faults", "drop=0.01,disconnect=3s,restart=4s")
    with trio.fail_after(PATIENCE_S):
        async with (
            simulated(tmp_path, *load, *faults, "--dialect", "openclaw") as (gateway, url),
            watching(tmp_path, url) as (_, daemon),
        ):
            assert await gateway.process.wait() == 0
            truth = read_truth(tmp_path / "truth.jsonl")
            assert truth.header.dialect == "openclaw"
            assert len(truth.of(Tool)) > 10
            assert len(truth.of(Restart)) > 0
            against = ("verify", "--truth", str(tmp_path / "truth.jsonl"))
            done = await finish(tmp_path, *against, "--journal", str(tmp_path / "data"), "--url", daemon)
    assert (done.code, done.err) == (0, ""), done


async def test_what_a_daemon_has_not_seen_is_found(tmp_path: Path) -> None:
    """A truth with one message more makes the verdict, the exit code and the example."""
    with trio.fail_after(PATIENCE_S):
        load = ("--agents", "2", "--rate", "10", "--duration", "4s")
        async with simulated(tmp_path, *load) as (gateway, url), watching(tmp_path, url):
            assert await gateway.process.wait() == 0
            file = tmp_path / "truth.jsonl"
            *_, some = read_truth(file).of(Message)
            extra = {"kind": "message", "agent": some.agent, "session": some.session, "run": some.run}
            extra |= {"role": "assistant", "text": "Never told.", "state": "complete"}
            extra |= {"began": some.began, "ended": some.ended}
            file.write_text(file.read_text() + json.dumps(extra) + "\n")
            done = await finish(tmp_path, "verify", "--truth", str(file), "--journal", str(tmp_path / "data"))
    assert done.code == 1
    assert '"Never told."' in done.out
    assert "lost       1" in done.out.splitlines()


async def test_an_interrupt_ends_a_simulation_in_order(tmp_path: Path) -> None:
    """The truth is written, the token is nobody else's to read, and the exit code is that of an interrupt."""
    with trio.fail_after(PATIENCE_S):
        async with simulated(tmp_path, "--agents", "3", "--rate", "50", "--seed", "9") as (gateway, _):
            lines = [await gateway.line() for _ in range(6)]
            assert lines[1].split() == ["seed", "9"]
            assert "--gateway-token-file" in lines[-1]
            assert (tmp_path / "token").read_text().strip() not in "".join(lines)
            assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
            os.kill(gateway.process.pid, signal.SIGINT)
            assert await gateway.process.wait() == 130
    truth = read_truth(tmp_path / "truth.jsonl")
    assert truth.header.seed == 9
    assert all(run.outcome == "complete" for run in truth.of(Run))


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("verify", "--truth", "missing.jsonl", "--journal", "."), "missing.jsonl: No such file"),
        (("verify", "--truth", "truth.jsonl", "--journal", "."), "no journal at"),
        (("verify", "--truth", "empty.jsonl", "--journal", "."), "the simulation writes it when it ends"),
        (("verify", "--truth", "truth.jsonl", "--url", "http://127.0.0.1:1"), "is it running there"),
        (("simulate", "--truth", "missing/truth.jsonl"), "another place with --truth"),
    ],
)
async def test_what_an_operator_can_mend_is_told(tmp_path: Path, args: tuple[str, ...], told: str) -> None:
    """Exit code 1 and the remedy, without a traceback."""
    header = '{"format":"mission-control-truth","version":1,"seed":1,"agents":1,"profile":"chat",'
    (tmp_path / "truth.jsonl").write_text(header + '"started_at":1,"ended_at":2}\n')
    (tmp_path / "empty.jsonl").write_text("")
    placed = [str(tmp_path / each) if each == "." or each.endswith("jsonl") else each for each in args]
    done = await finish(tmp_path, *placed, *(("--token-file", str(tmp_path / "token")) if "simulate" in args else ()))
    assert (done.code, told in done.err, "Traceback" in done.err) == (1, True, False), done
