"""Dashboards without a screen: a process of subscribers that check all they receive.

Standard input takes ``begin`` and ``end`` (of the measurement) and ``finish OFFSET``: when every subscriber has come to
that offset, or after 20 s, the results are printed as one line of JSON. ``ready`` is printed when all have a snapshot.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import cast

import msgspec
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from benchmarks.checker import Checker, Frame
from mission_control.gateways.tap import TapStream

_FINISH_SECONDS = 20
_LARGEST = 1 << 26
_decode = msgspec.json.Decoder(Frame).decode


class StreamError(Exception):
    """The server refused the stream or ended it."""


async def subscribe(host: str, port: int, checker: Checker, ready: Callable[[], None]) -> None:
    """Follow the stream until cancelled."""
    stream = await trio.open_tcp_stream(host, port)
    # The daemon's own shortcut past the WebSocket library: ten dashboards in one process must not be what is measured.
    tap = TapStream(stream, max_message=_LARGEST, pause=0)
    async with stream, trio.open_nursery() as nursery:
        socket = await wrap_client_stream(
            nursery, cast("trio.SocketStream", tap), f"{host}:{port}", "/v1/stream", subprotocols=["mission-control.v1"]
        )
        nursery.start_soon(_notice_end, socket)
        await socket.send_message(json.dumps({"op": "hello", "client": {"name": "benchmark", "version": "1"}}))
        while True:
            messages = await tap.inbox.get()
            now = time.time() * 1000
            for message in messages:
                assert isinstance(message, bytes), "a frame that is too large"
                frame = _decode(message)
                if frame.op == "events":
                    checker.frame(frame, len(message), now)
                elif frame.op == "snapshot":
                    checker.snapshot(frame)
                    ready()
                elif frame.op == "welcome":
                    nursery.start_soon(_ping, socket, frame.policy["ping_interval_ms"] / 1000)
                elif frame.op == "notice":
                    checker.problems.append(f"{frame.code}: {frame.message}")
                elif frame.op == "error":
                    raise StreamError(f"{frame.code}: {frame.message}")


async def _notice_end(socket: WebSocketConnection) -> None:
    try:
        await socket.get_message()
    except ConnectionClosed as closed:
        raise StreamError(f"the stream ended: {closed.reason}") from None
    raise StreamError("the server sent a message in fragments, which it does not do")


async def _ping(socket: WebSocketConnection, interval: float) -> None:
    while True:
        await trio.sleep(interval / 2)
        await socket.send_message(json.dumps({"op": "ping", "t": time.time_ns()}))


async def main(host: str, port: int, count: int) -> None:
    checkers = [Checker() for _ in range(count)]
    waiting = set(range(count))

    def ready(index: int) -> None:
        if waiting:
            waiting.discard(index)
            if not waiting:
                print("ready", flush=True)

    async with trio.open_nursery() as nursery:
        for index, checker in enumerate(checkers):
            nursery.start_soon(subscribe, host, port, checker, partial(ready, index))
        offset = await _take_commands(checkers)
        with trio.move_on_after(_FINISH_SECONDS):
            for checker in checkers:
                await checker.wait_for(offset)
        print(json.dumps(_results(checkers, offset)), flush=True)
        nursery.cancel_scope.cancel()


async def _take_commands(checkers: list[Checker]) -> int:
    """Obey until ``finish``; gives its offset."""
    received = b""
    async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as commands:
        async for data in commands:
            *lines, received = (received + data).split(b"\n")
            for line in lines:
                command, _, argument = line.decode().partition(" ")
                if command == "finish":
                    return int(argument)
                for checker in checkers:
                    checker.timing = command == "begin"
    raise StreamError("standard input ended before the measurement did")


def _results(checkers: list[Checker], offset: int) -> dict[str, object]:
    latency: Counter[int] = Counter()
    for checker in checkers:
        latency.update(checker.latency)
    return {
        "events": [checker.events for checker in checkers],
        "bytes": sum(checker.bytes for checker in checkers),
        "lost": sum(checker.lost for checker in checkers),
        "duplicated": sum(checker.duplicated for checker in checkers),
        "behind": sum(checker.offset < offset for checker in checkers),
        "snapshots": sum(checker.snapshots - 1 for checker in checkers),
        "problems": [problem for checker in checkers for problem in checker.problems][:10],
        "latency": sorted(latency.items()),
        "finals": checkers[0].finals,
    }


if __name__ == "__main__":
    trio.run(main, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
