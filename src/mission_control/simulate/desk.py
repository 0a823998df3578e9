"""One client's side of the simulated gateway, without a socket: admission, then answers to requests.

Errors and close codes are the real gateway's (docs/clawdbot.md): a refusal is an answer with ``ok: false`` and then a
close with the same words; unknown parameters are refused.
"""

import hmac
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec

from mission_control.simulate.gateway import Client, Gateway, encode
from mission_control.simulate.source import Reply

_CONNECT_PARAMS: Final = frozenset(
    {"minProtocol", "maxProtocol", "client", "role", "scopes", "caps", "auth", "device", "locale", "userAgent"}
)
_CLIENT_IDS: Final = frozenset({"gateway-client", "webchat-ui", "cli"})
_CLIENT_MODES: Final = frozenset({"backend", "webchat", "cli"})
_ROLES: Final = frozenset({"operator", "node"})
_WRITES: Final = frozenset({"chat.send", "chat.abort", "agent", "agent.wait", "send"})
_LONGEST_REASON: Final = 120  # bytes; a close frame takes 123

Params: TypeAlias = Mapping[str, Any]


class _ClientInfo(msgspec.Struct, rename="camel"):
    id: str
    mode: str
    version: str = ""
    platform: str = ""
    instance_id: str | None = None


class _Connect(msgspec.Struct, rename="camel"):
    min_protocol: int
    max_protocol: int
    client: _ClientInfo
    role: str = "operator"
    scopes: tuple[str, ...] = ()
    auth: dict[str, str] = {}
    device: dict[str, Any] | None = None


class _Request(msgspec.Struct):
    type: Literal["req"]
    id: str
    method: str
    params: dict[str, Any] = {}


class RefusedError(Exception):
    """The request is answered with an error. ``close`` is the code that ends the connection, if it does."""

    def __init__(self, message: str, *, code: str = "INVALID_REQUEST", close: int | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message, **extra}
        self.close = close


class GatewayDesk:
    """Where one connection is served. Call :meth:`greet` first, then :meth:`receive` for every message."""

    def __init__(self, gateway: Gateway, token: str) -> None:
        self._gateway = gateway
        self._token = token
        self._client: Client | None = None
        self._presence_key: str | None = None
        self._methods: dict[str, Callable[[Params, int], Any]] = {
            "health": lambda _, now: gateway.health(now),
            "agents.list": lambda _, __: gateway.agents(),
            "sessions.list": self._sessions,
            "chat.history": self._history,
            "system-presence": lambda _, now: gateway.presence(now),
            "last-heartbeat": lambda _, __: None,
        }

    def greet(self, now: int) -> tuple[bytes]:
        """The challenge that a server sends first."""
        payload = {"nonce": self._gateway.new_id(), "ts": now}
        return (encode({"type": "event", "event": "connect.challenge", "payload": payload}),)

    def leave(self, now: int) -> bool:
        """The connection has ended. Gives whether the client had been admitted."""
        if self._presence_key is None:
            return False
        self._gateway.leave(self._presence_key, now)
        self._presence_key = None
        return True

    def receive(self, text: str | bytes, now: int) -> Reply:
        """Answer one message from the client."""
        try:
            request = msgspec.json.decode(text, type=_Request)
        except msgspec.ValidationError as error:
            return self._malformed(str(error))
        except msgspec.DecodeError:
            return Reply() if self._client else Reply(close=(1000, ""))
        try:
            if self._client is not None:
                return Reply((_answer(request.id, self._call(request.method, request.params, now)),))
            hello = self._admit(request.method, request.params, now)
        except RefusedError as refused:
            answer = encode({"type": "res", "id": request.id, "ok": False, "error": refused.error})
            close = None if refused.close is None else (refused.close, _shortened(str(refused)))
            return Reply((answer,), close)
        return Reply((_answer(request.id, hello),), joined=True)

    def _malformed(self, problem: str) -> Reply:
        if self._client is None:
            return Reply(close=(1008, "invalid request frame"))
        error = {"code": "INVALID_REQUEST", "message": f"invalid request frame: {problem}"}
        return Reply((encode({"type": "res", "id": "invalid", "ok": False, "error": error}),))

    def _admit(self, method: str, params: Params, now: int) -> dict[str, Any]:
        if method != "connect":
            raise RefusedError("invalid handshake: first request must be connect", close=1008)
        connect = _checked_connect(params)
        protocol = self._gateway.protocol
        if not connect.min_protocol <= protocol <= connect.max_protocol:
            raise RefusedError("protocol mismatch", close=1002, details={"expectedProtocol": protocol})
        if connect.role not in _ROLES:
            raise RefusedError("invalid role", close=1008)
        self._check_token(connect)
        self._client = Client(
            host=connect.client.id,
            version=connect.client.version,
            platform=connect.client.platform,
            mode=connect.client.mode,
            role=connect.role,
            scopes=connect.scopes or self._gateway.unclaimed,
            instance_id=connect.client.instance_id,
        )
        self._presence_key = self._gateway.join(self._client, now)
        return self._gateway.hello(self._client, now)

    def _check_token(self, connect: _Connect) -> None:
        token = connect.auth.get("token")
        if token is None:
            if connect.device is None:
                raise RefusedError("device identity required", code="NOT_PAIRED", close=1008)
            raise RefusedError("unauthorized: gateway token missing (provide gateway auth token)", close=1008)
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            raise RefusedError("unauthorized: gateway token mismatch (provide gateway auth token)", close=1008)

    def _call(self, method: str, params: Params, now: int) -> Any:
        assert self._client is not None
        handler = self._methods.get(method)
        scope = "operator.read" if handler else "operator.write" if method in _WRITES else "operator.admin"
        if not self._client.may(scope):
            raise RefusedError(f"missing scope: {scope}")
        if handler is None:
            raise RefusedError(f"unknown method: {method}")
        return handler(params, now)

    def _sessions(self, params: Params, now: int) -> dict[str, Any]:
        allowed = ("activeMinutes", "limit", "includeGlobal", "includeUnknown", "agentId", "includeLastMessage")
        _check_params("sessions.list", params, allowed=allowed)
        sessions = self._gateway.sessions()
        if "agentId" in params:
            sessions = [each for each in sessions if each.key.startswith(f"agent:{params['agentId']}:")]
        if "activeMinutes" in params:
            minutes = _integer("sessions.list", params, "activeMinutes", default=1, most=None)
            sessions = [each for each in sessions if each.updated_at >= now - minutes * 60_000]
        return self._gateway.sessions_list(now, sessions[: _integer("sessions.list", params, "limit", 1_000, None)])

    def _history(self, params: Params, now: int) -> dict[str, Any]:
        _check_params("chat.history", params, required="sessionKey", allowed=("sessionKey", "limit"))
        limit = _integer("chat.history", params, "limit", default=200, most=1000)
        key = params["sessionKey"]
        if not isinstance(key, str):
            raise RefusedError("invalid chat.history params: at /sessionKey: must be string")
        return self._gateway.history(key, limit)


def _answer(request_id: Any, payload: Any) -> bytes:
    return encode({"type": "res", "id": request_id, "ok": True, "payload": payload})


def _checked_connect(params: Params) -> _Connect:
    problems = [f"at root: unexpected property '{name}'" for name in params.keys() - _CONNECT_PARAMS]
    try:
        connect = msgspec.convert(params, _Connect)
    except msgspec.ValidationError as error:
        raise RefusedError(f"invalid connect params: {error}", close=1008) from None
    for name, value, allowed in (("id", connect.client.id, _CLIENT_IDS), ("mode", connect.client.mode, _CLIENT_MODES)):
        if value not in allowed:
            where = f"at /client/{name}"
            problems.append(f"{where}: must be equal to constant; {where}: must match a schema in anyOf")
    if problems:
        raise RefusedError(f"invalid connect params: {'; '.join(problems)}", close=1008)
    return connect


def _check_params(method: str, params: Params, *, allowed: Collection[str], required: str | None = None) -> None:
    problems = [f"must have required property '{required}'"] if required and required not in params else []
    problems += [f"at root: unexpected property '{name}'" for name in params if name not in allowed]
    if problems:
        raise RefusedError(f"invalid {method} params: {'; '.join(problems)}")


def _integer(method: str, params: Params, name: str, default: int, most: int | None) -> int:
    value = params.get(name, default)
    if not isinstance(value, int):
        raise RefusedError(f"invalid {method} params: at /{name}: must be integer")
    if value < 1:
        raise RefusedError(f"invalid {method} params: at /{name}: must be >= 1")
    if most is not None and value > most:
        raise RefusedError(f"invalid {method} params: at /{name}: must be <= {most}")
    return value


def _shortened(reason: str) -> str:
    return reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
