"""One client of the simulated gateway: admitted or refused as by the real one, and answered truthfully."""

from typing import Any

import msgspec
import pytest

from mission_control.simulate.desk import GatewayDesk
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.gateway import Gateway
from mission_control.simulate.script import Ask, Finish, Say
from mission_control.simulate.source import Reply
from tests.simulate.stage import START, play

TOKEN = "open sesame"
CONNECT = {
    "minProtocol": 3,
    "maxProtocol": 4,
    "client": {"id": "gateway-client", "version": "1", "platform": "linux", "mode": "backend", "instanceId": "me"},
    "role": "operator",
    "scopes": ["operator.read"],
    "caps": ["tool-events"],
    "auth": {"token": TOKEN},
}


def request(method: str, params: Any = None, request_id: str = "1") -> bytes:
    frame = {"type": "req", "id": request_id, "method": method}
    return msgspec.json.encode(frame if params is None else frame | {"params": params})


def decoded(reply: Reply) -> dict[str, Any]:
    [frame] = reply.frames
    answer: dict[str, Any] = msgspec.json.decode(frame)
    return answer


@pytest.fixture
def gateway() -> Gateway:
    return Gateway(Fleet(agents=3), START)


@pytest.fixture
def desk(gateway: Gateway) -> GatewayDesk:
    return GatewayDesk(gateway, TOKEN)


def connect(desk: GatewayDesk, **changes: Any) -> dict[str, Any]:
    """The hello of a client that was admitted."""
    reply = desk.receive(request("connect", CONNECT | changes), START + 5)
    assert reply.joined
    assert reply.close is None
    payload: dict[str, Any] = decoded(reply)["payload"]
    return payload


def ask(desk: GatewayDesk, method: str, params: Any = None) -> Any:
    """The payload or the error of an answer."""
    answer = decoded(desk.receive(request(method, params), START + 60_001))
    assert answer["id"] == "1"
    return answer["payload"] if answer["ok"] else answer["error"]["message"]


def test_the_challenge_comes_first(desk: GatewayDesk) -> None:
    """It has no sequence number, like the real one."""
    frame = msgspec.json.decode(*desk.greet(START))
    assert list(frame) == ["type", "event", "payload"]
    assert frame["payload"]["ts"] == START


def test_hello_has_what_a_client_needs(desk: GatewayDesk) -> None:
    """Protocol, policy, agents, uptime and our own presence are where the real gateway has them."""
    hello = connect(desk)
    assert list(hello) == ["type", "protocol", "server", "features", "snapshot", "policy"]
    assert (hello["type"], hello["protocol"]) == ("hello-ok", 3)
    assert hello["policy"] == {"maxPayload": 524288, "maxBufferedBytes": 1572864, "tickIntervalMs": 30000}
    snapshot = hello["snapshot"]
    assert set(snapshot) == {
        "presence", "health", "stateVersion", "uptimeMs", "configPath", "stateDir", "sessionDefaults",
    }  # fmt: skip
    assert snapshot["uptimeMs"] == 5
    assert snapshot["sessionDefaults"]["defaultAgentId"] == "builder"
    assert [agent["agentId"] for agent in snapshot["health"]["agents"]] == ["builder", "researcher", "reviewer"]
    [own] = [entry for entry in snapshot["presence"] if entry.get("instanceId") == "me"]
    assert own["scopes"] == ["operator.read"]


@pytest.mark.parametrize(
    ("changes", "code", "message", "close"),
    [
        pytest.param(
            {"auth": {"token": "nope"}},
            "INVALID_REQUEST",
            "unauthorized: gateway token mismatch (provide gateway auth token)",
            1008,
            id="wrong token",
        ),
        pytest.param({"auth": {}}, "NOT_PAIRED", "device identity required", 1008, id="no token"),
        pytest.param(
            {"auth": {}, "device": {"id": "x"}},
            "INVALID_REQUEST",
            "unauthorized: gateway token missing (provide gateway auth token)",
            1008,
            id="a device without a token",
        ),
        pytest.param({"minProtocol": 4}, "INVALID_REQUEST", "protocol mismatch", 1002, id="too new"),
        pytest.param({"minProtocol": 1, "maxProtocol": 2}, "INVALID_REQUEST", "protocol mismatch", 1002, id="too old"),
        pytest.param({"role": "viewer"}, "INVALID_REQUEST", "invalid role", 1008, id="role"),
        pytest.param(
            {"foo": 1},
            "INVALID_REQUEST",
            "invalid connect params: at root: unexpected property 'foo'",
            1008,
            id="unknown parameter",
        ),
        pytest.param(
            {"client": {"id": "mission-control", "mode": "backend"}},
            "INVALID_REQUEST",
            "invalid connect params: at /client/id: must be equal to constant; "
            "at /client/id: must match a schema in anyOf",
            1008,
            id="client id",
        ),
    ],
)
def test_refusals_are_the_real_ones(desk: GatewayDesk, changes: Any, code: str, message: str, close: int) -> None:
    """A refused client gets the real gateway's error, then its close code with the same words."""
    reply = desk.receive(request("connect", CONNECT | changes), START)
    answer = decoded(reply)
    assert not answer["ok"]
    assert (answer["error"]["code"], answer["error"]["message"]) == (code, message)
    assert reply.close == (close, message)
    if close == 1002:
        assert answer["error"]["details"] == {"expectedProtocol": 3}
    assert not desk.leave(START)


@pytest.mark.parametrize(
    ("message", "close"),
    [
        (b"not json at all", (1000, "")),
        (b'{"hello": 1}', (1008, "invalid request frame")),
        (b"[]", (1008, "invalid request frame")),
        (request("health"), (1008, "invalid handshake: first request must be connect")),
        (request("connect", {"minProtocol": "x"}), (1008, None)),
        (request("connect", {}), (1008, None)),
    ],
)
def test_a_first_message_that_is_no_connect_ends_the_connection(desk: GatewayDesk, message: bytes, close: Any) -> None:
    """Whatever comes instead of a connect, the close says why, within the length that a close frame allows."""
    reply = desk.receive(message, START)
    assert reply.close is not None
    assert reply.close[0] == close[0]
    assert close[1] in (None, reply.close[1])
    assert len(reply.close[1].encode()) <= 123


def test_a_client_that_claims_no_scope_may_do_everything(desk: GatewayDesk) -> None:
    """As the real gateway has it; so a client had better claim what it needs."""
    hello = connect(desk, scopes=[])
    assert hello["snapshot"]["presence"][1]["scopes"] == ["operator.admin"]
    assert ask(desk, "nosuch") == "unknown method: nosuch"


@pytest.mark.parametrize(
    ("method", "scope"), [("chat.send", "write"), ("chat.abort", "write"), ("config.get", "admin"), ("nosuch", "admin")]
)
def test_a_reader_may_only_read(desk: GatewayDesk, method: str, scope: str) -> None:
    """What the claimed scope does not cover is refused by the scope's name, and the connection stays."""
    connect(desk)
    assert ask(desk, method, {"sessionKey": "x"}) == f"missing scope: operator.{scope}"
    assert ask(desk, "last-heartbeat") is None


def test_a_client_without_the_reading_scope_reads_nothing(desk: GatewayDesk) -> None:
    """A scope that does not exist is accepted and grants nothing."""
    connect(desk, scopes=["bogus"])
    assert ask(desk, "health") == "missing scope: operator.read"


def test_agents_sessions_and_history(gateway: Gateway, desk: GatewayDesk) -> None:
    """The lists know what was used, newest first; a history is as long as was asked for."""
    connect(desk)
    assert ask(desk, "agents.list")["agents"][1] == {"id": "researcher", "name": "Researcher"}
    for at, agent_id in ((START, "builder"), (START + 50_000, "reviewer")):
        for action in (Ask(f"agent:{agent_id}:main", "So?"), Say("Yes."), Finish()):
            gateway.act(agent_id, action, at)
    listed = ask(desk, "sessions.list", {})
    assert listed["count"] == 2
    assert [each["key"] for each in listed["sessions"]] == ["agent:reviewer:main", "agent:builder:main"]
    assert [each["key"] for each in ask(desk, "sessions.list", {"limit": 1})["sessions"]] == ["agent:reviewer:main"]
    assert ask(desk, "sessions.list", {"agentId": "builder"})["count"] == 1
    assert ask(desk, "sessions.list", {"activeMinutes": 1})["count"] == 1
    history = ask(desk, "chat.history", {"sessionKey": "agent:builder:main"})
    assert list(history) == ["sessionKey", "sessionId", "messages", "thinkingLevel"]
    assert [entry["role"] for entry in history["messages"]] == ["user", "assistant"]
    assert len(ask(desk, "chat.history", {"sessionKey": "agent:builder:main", "limit": 1})["messages"]) == 1
    recent = ask(desk, "health")["agents"][2]["sessions"]
    assert (recent["count"], recent["recent"][0]["key"]) == (1, "agent:reviewer:main")


@pytest.mark.parametrize(
    "key", ["agent:builder:main", "agent:nosuch:main", "main", "", "agent:builder", "agent:builder:nosuch"]
)
def test_the_history_of_a_session_that_was_never_used(desk: GatewayDesk, key: str) -> None:
    """It is empty, without a session id and without an error."""
    connect(desk)
    assert ask(desk, "chat.history", {"sessionKey": key}) == {
        "sessionKey": key,
        "messages": [],
        "thinkingLevel": "off",
    }


@pytest.mark.parametrize(
    ("method", "params", "problem"),
    [
        ("chat.history", {"bad": 1}, "must have required property 'sessionKey'; at root: unexpected property 'bad'"),
        ("chat.history", {"sessionKey": "x", "limit": 1001}, "at /limit: must be <= 1000"),
        ("chat.history", {"sessionKey": "x", "limit": 0}, "at /limit: must be >= 1"),
        ("chat.history", {"sessionKey": 7}, "at /sessionKey: must be string"),
        ("sessions.list", {"activeMinutes": 0}, "at /activeMinutes: must be >= 1"),
        ("sessions.list", {"limit": "x"}, "at /limit: must be integer"),
        ("sessions.list", {"bogus": 1}, "at root: unexpected property 'bogus'"),
    ],
)
def test_wrong_parameters_are_named(desk: GatewayDesk, method: str, params: Any, problem: str) -> None:
    """The real gateway's words, and the connection stays."""
    connect(desk)
    assert ask(desk, method, params) == f"invalid {method} params: {problem}"


def test_later_nonsense_is_answered_and_the_connection_stays(desk: GatewayDesk) -> None:
    """An admitted client may send rubbish: a malformed request is answered, and what is not JSON ignored."""
    connect(desk)
    reply = desk.receive(b'{"type": "event"}', START)
    assert decoded(reply)["id"] == "invalid"
    assert reply.close is None
    assert desk.receive(b"garbage", START) == Reply()


def test_presence_remembers_who_left(gateway: Gateway, desk: GatewayDesk) -> None:
    """A client that comes back under the same instance id has one entry, not two."""
    connect(desk)
    assert desk.leave(START + 10)
    again = GatewayDesk(gateway, TOKEN)
    connect(again)
    entries = [entry for entry in ask(again, "system-presence") if entry.get("instanceId") == "me"]
    assert [entry["reason"] for entry in entries] == ["connect"]


def test_health_lists_the_latest_sessions_only() -> None:
    """Like the real one, at most five an agent, newest first."""
    gateway = play(Fleet(agents=5, seed=1), 1800).gateway
    for agent in gateway.health(START + 1_800_000)["agents"]:
        ages = [each["age"] for each in agent["sessions"]["recent"]]
        assert ages == sorted(ages)
        assert 1 <= len(ages) <= 5
