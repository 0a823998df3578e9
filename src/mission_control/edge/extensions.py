"""The HTTP routes of actor types from outside: behind the access guard, each below a path of its own, faults contained.

They answer as the rest of the API does: errors as problems, and nothing kept by caches or embedded by foreign pages.
"""

import logging
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.routing import Mount, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from mission_control.edge.problems import EXCEPTION_HANDLERS, SEALED, Problem
from mission_control.edge.services import Extension

log = logging.getLogger("mission_control.extension")

_UNDERSTOOD = tuple(kind for kind in EXCEPTION_HANDLERS if kind is not Exception)


def extension_routes(extensions: Sequence[Extension]) -> list[Mount]:
    """``/v1/extensions/NAME`` for each."""
    return [
        Mount(f"/v1/extensions/{one.name}", app=_Contained(one.name, Router(one.routes, redirect_slashes=False)))
        for one in extensions
    ]


class _Contained:
    """ASGI middleware around one actor type's routes."""

    def __init__(self, name: str, app: ASGIApp) -> None:
        self._name = name
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # the access guard leaves these to the stream
            await WebSocketClose()(scope, receive, send)
            return
        started = False

        async def sealing_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SEALED.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, sealing_send)
        except _UNDERSTOOD:
            raise
        except Exception as error:
            log.exception("a route of the actor type %s failed: %s", self._name, scope["path"])
            if started:
                raise  # half an answer is out: the connection must end
            detail = f"The actor type {self._name} failed to answer; the daemon's log says why."
            raise Problem(500, "extension_failed", detail) from error
