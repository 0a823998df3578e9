"""A stand-in for the language model behind the real gateway.

This is the one part of the end-to-end tests that can't be real: a model answers over the internet, costs money and
never says the same thing twice. The gateway talks to it exactly as it talks to any OpenAI-compatible service
(`POST /v1/chat/completions` with `stream: true`, answered as server-sent events), so everything from the gateway on
is real.

A test teaches the model its lines before it sends a prompt:

    model.teach("weather", Turn(Say("Let me look. "), Call("read", {"path": "a.txt"})), Turn(Say("It rains.")))

The reply is chosen by the phrase that the newest user message contains. Its turns answer in order, one per request of
the agent's tool loop. A `Hold` lets the test decide when the stream goes on, so that nothing depends on how fast a
machine is.
"""

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from attrs import define, field, frozen

HOLD_LIMIT_S = 120.0
"""A gate nobody opens ends the stream after this long, so that a failed test can't leave a thread behind."""

ANNOTATION = re.compile(r"\n\[message_id: [^\]]*\]\Z")
"""What the gateway adds to a user's message before it shows it to the model."""

CONTEXT = "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>"
"""What OpenClaw tells the model in messages of its own, under the user's name, begins so."""


@frozen
class Say:
    """Text, streamed word by word (or in the given `pieces`), `every` seconds apart."""

    text: str
    every: float = 0.0
    pieces: tuple[str, ...] = ()

    def parts(self) -> tuple[str, ...]:
        return self.pieces or tuple(re.findall(r"\s*\S+\s*\Z|\s*\S+|\s+", self.text))


@frozen
class Call:
    """A call of one of the agent's tools. The next turn answers once the gateway has run it."""

    tool: str
    arguments: Mapping[str, Any]


@frozen
class Hold:
    """Wait until the test opens `gate`."""

    gate: threading.Event


class Gates(dict[str, threading.Event]):
    """Gates by name, each made when it is first named: `hold` is a step of a turn, `open` lets it go on."""

    def __missing__(self, name: str) -> threading.Event:
        gate = self[name] = threading.Event()
        return gate

    def hold(self, name: str) -> Hold:
        return Hold(self[name])

    def open(self, name: str) -> None:
        self[name].set()


@frozen
class Cut:
    """Drop the connection in the middle of the answer."""


@frozen
class Refuse:
    """Answer with an HTTP error instead of a stream."""

    status: int = 500
    message: str = "the model is out of order"


Step = Say | Call | Hold | Cut | Refuse


@define(init=False)
class Turn:
    """What the model does in answer to one request, step by step.

    `failures` requests are refused before the first one that succeeds, as an overloaded service does.
    """

    steps: tuple[Step, ...]
    failures: int

    def __init__(self, *steps: Step, failures: int = 0) -> None:
        self.steps = steps
        self.failures = failures


@frozen
class Request:
    """A request that the model received: its newest user message and which turn of the reply it asked for."""

    prompt: str
    turn: int


@define
class Model:
    """The server. Use it as a context manager; `url` is the provider's base URL for the gateway's configuration."""

    requests: list[Request] = field(factory=list)
    _replies: dict[str, tuple[Turn, ...]] = field(factory=dict)
    _refused: dict[tuple[str, int], int] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)
    _server: ThreadingHTTPServer = field(init=False)
    _thread: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="model", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def teach(self, phrase: str, *turns: Turn) -> None:
        """From now on, a user message that contains `phrase` is answered with these turns."""
        with self._lock:
            self._replies[phrase] = turns
            self._refused = {key: count for key, count in self._refused.items() if key[0] != phrase}

    def answer(self, messages: list[dict[str, Any]]) -> tuple[Step, ...]:
        """The steps that answer a request with these `messages` (the OpenAI form)."""
        prompt, turn = last_prompt(messages)
        with self._lock:
            self.requests.append(Request(prompt, turn))
            phrase = max((known for known in self._replies if known in prompt), key=len, default=None)
            if phrase is None:
                return (Say(f"You said: {prompt.partition(chr(10))[0]}"),)  # OpenClaw adds lines of its own
            turns = self._replies[phrase]
            if turn >= len(turns):
                return (Say("Done."),)
            refused = self._refused.get((phrase, turn), 0)
            if refused < turns[turn].failures:
                self._refused[phrase, turn] = refused + 1
                return (Refuse(message=f"the model is out of order, attempt {refused + 1}"),)
            return turns[turn].steps


def last_prompt(messages: list[dict[str, Any]]) -> tuple[str, int]:
    """The newest user message, and how many answers of the model came after it."""
    turn = 0
    for message in reversed(messages):
        if message["role"] == "user" and not plain_text(message["content"]).startswith(CONTEXT):
            return ANNOTATION.sub("", plain_text(message["content"])), turn
        turn += message["role"] == "assistant"
    return "", turn


def plain_text(content: str | list[dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def deltas(step: Say | Call) -> Iterator[dict[str, Any]]:
    """The `delta` objects of the streamed chunks that express one step."""
    if isinstance(step, Say):
        for part in step.parts():
            yield {"content": part}
            time.sleep(step.every)
        return
    head = {"index": 0, "id": f"call_{time.monotonic_ns():x}", "type": "function"}
    yield {"tool_calls": [head | {"function": {"name": step.tool, "arguments": ""}}]}
    yield {"tool_calls": [{"index": 0, "function": {"arguments": json.dumps(step.arguments)}}]}


def handler_for(model: Model) -> type[BaseHTTPRequestHandler]:
    """The request handler class of one model: http.server wants a class, not an object."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with suppress(ConnectionError):  # an aborted run hangs up, a stopped gateway too
                super().handle()

        def log_message(self, *args: object) -> None:
            """The gateway's log shows what it asked for."""

        def do_GET(self) -> None:
            self.reply_json(200, {"object": "list", "data": [{"id": "stand-in", "object": "model"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.stream(model.answer(body["messages"]))

        def stream(self, steps: tuple[Step, ...]) -> None:
            if steps and isinstance(steps[0], Refuse):
                error = {"message": steps[0].message, "type": "server_error"}
                self.reply_json(steps[0].status, {"error": error})
                return
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.chunk({"role": "assistant", "content": ""})
            finish = "stop"
            for step in steps:
                if isinstance(step, Cut):
                    self.close_connection = True  # without the last chunk: the client sees a broken answer
                    return
                if isinstance(step, Hold):
                    step.gate.wait(HOLD_LIMIT_S)
                elif isinstance(step, Say | Call):
                    finish = "tool_calls" if isinstance(step, Call) else "stop"
                    for delta in deltas(step):
                        self.chunk(delta)
            self.chunk({}, finish)
            self.write_event(b"[DONE]")
            self.wfile.write(b"0\r\n\r\n")

        def chunk(self, delta: dict[str, Any], finish: str | None = None) -> None:
            frame = {
                "id": "stand-in",
                "object": "chat.completion.chunk",
                "created": 0,
                "model": "stand-in",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            }
            if finish:
                frame["usage"] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
            self.write_event(json.dumps(frame).encode())

        def write_event(self, data: bytes) -> None:
            """One server-sent event as one chunk of the chunked transfer coding (RFC 9112, 7.1)."""
            event = b"data: " + data + b"\n\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()

        def reply_json(self, status: int, value: object) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
