"""The REST API: complete pages in the right order, honest refusals, and nothing that says too much."""

import json
from typing import Any

import httpx
import pytest

from mission_control.core.events import encode
from mission_control.core.frames import events_frame
from mission_control.core.subscription import EVERYTHING, Filter
from mission_control.stores.journal import Retention
from tests.edge.given import asking, over, refused, services
from tests.stores.samples import ALPHA, BETA, OTHER, activity, beat, chunk, final, status


async def pages(client: httpx.AsyncClient, url: str, items: str) -> list[list[Any]]:
    """Every page of a history, by following ``next``."""
    found = []
    while True:
        answer = (await client.get(url)).raise_for_status().json()
        assert answer["epoch"] == "memory"
        found.append(answer[items])
        if answer["next"] is None:
            return found
        url = str(httpx.URL(url).copy_set_param("before", answer["next"]))


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7])
async def test_history_has_each_message_once_newest_first(count: int) -> None:
    """Paging back shows every finished message of the agent, no other agent's, and ends without an empty page."""
    mine = [final(f"m{number}") for number in range(count)]
    others = [final("beta", of=BETA), final("other", of=OTHER), chunk("open", 0)]
    async with asking(await over(activity("a"), *mine, *others)) as client:
        found = await pages(client, "/v1/agents/alpha/messages?gateway=gw&limit=3", "messages")
        assert [message["message_id"] for page in found for message in page] == [
            f"m{n}" for n in reversed(range(count))
        ]
        assert [len(page) for page in found[:-1]] == [3] * (len(found) - 1)
        assert found[-1] or count == 0


async def test_history_can_be_of_one_session() -> None:
    """A conversation is shown without what was said elsewhere."""
    drafts = [final("m1"), final("m2", session="side"), final("m3"), final("m4", session="side")]
    async with asking(await over(*drafts)) as client:
        found = await pages(client, "/v1/agents/alpha/messages?session=side&limit=1", "messages")
        assert [message["message_id"] for page in found for message in page] == ["m4", "m2"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["a5", "a4", "a3", "a2", "a1"]),
        ("&agent=alpha&gateway=gw", ["a5", "a3", "a1"]),
        ("&agent=beta", ["a4"]),
        ("&kind=tool.failed", ["a3", "a2"]),
        ("&agent=alpha&gateway=gw&kind=tool.failed", ["a3"]),
        ("&kind=tool", []),
        ("&kind=tool.*", ["a5", "a4", "a3", "a2", "a1"]),
        ("&kind=run.*,tool.failed", ["a3", "a2"]),
        ("&kind=run.*,tool.failed&agent=alpha&gateway=gw", ["a3"]),
    ],
)
async def test_the_feed_has_each_admitted_activity_once_newest_first(query: str, expected: list[str]) -> None:
    """Paging back through the feed misses nothing and repeats nothing, whatever it is narrowed to."""
    drafts = [
        activity("a1"),
        activity("a2", "tool.failed", of=OTHER),
        final("m"),
        activity("a3", "tool.failed"),
        activity("a4", of=BETA),
        beat("b"),
        activity("a5"),
    ]
    async with asking(await over(*drafts)) as client:
        for limit in (1, 2, 100):
            found = await pages(client, f"/v1/feed?limit={limit}{query}", "events")
            assert [event["event_id"] for page in found for event in page] == expected


@pytest.mark.parametrize("limit", [1, 3, 1_000])
async def test_the_journal_can_be_read_from_end_to_end(limit: int) -> None:
    """Reading on from the last offset until the head gives every journaled event, in order, as the stream has it."""
    told = await over(status("s"), chunk("m", 0), beat("plain"), chunk("m", 1), final("m"), activity("a", of=OTHER))
    streamed: list[dict[str, Any]] = []
    async with asking(told) as client:
        answer = (await client.get(f"/v1/events?limit={limit}")).json()
        while answer["events"]:
            streamed += answer["events"]
            after = streamed[-1]["offset"]
            answer = (await client.get(f"/v1/events?after={after}&epoch={answer['epoch']}&limit={limit}")).json()
        assert answer == {"epoch": "memory", "events": [], "head": 5}
    page = await told.journal.read(0, 100, EVERYTHING)
    assert streamed == json.loads(events_frame(map(encode, page.events), 5))["events"]


async def test_reading_goes_on_only_where_nothing_is_missing() -> None:
    """A reader whose place is gone is told so and why; it never gets events with a silent hole before them."""
    told = await over(*(activity(f"a{number}") for number in range(10)))
    async with asking(told) as client:
        assert (await refused(client, "/v1/events?after=3&epoch=another"))["code"] == "epoch_changed"
        assert (await refused(client, "/v1/events?epoch=another"))["code"] == "epoch_changed"
        assert (await refused(client, "/v1/events?after=11"))["code"] == "ahead"
        assert (await client.get("/v1/events?after=10")).json()["events"] == []
        await told.journal.retain(Retention(max_events=4), told.clock())
        for after in (0, 5):
            problem = await refused(client, f"/v1/events?after={after}")
            assert (problem["status"], problem["code"], problem["kept_after"]) == (410, "expired", 6)
        for url in ("/v1/events", "/v1/events?after=6&epoch=memory"):
            assert [event["offset"] for event in (await client.get(url)).json()["events"]] == [7, 8, 9, 10]


async def test_reading_goes_on_across_compacted_chunks() -> None:
    """Below the stream's horizon the journal still gives every final, though not the chunks that led to it."""
    told = await over(chunk("m", 0), chunk("m", 1), final("m"), activity("a"))
    await told.journal.retain(Retention(compact_after_s=0), told.clock())
    async with asking(told) as client:
        for after in (0, 1):
            events = (await client.get(f"/v1/events?after={after}")).json()["events"]
            assert [event["event_id"] for event in events] == ["m#final", "a"]


async def test_a_snapshot_is_the_streams() -> None:
    """Who polls sees what a subscriber sees: the same cursor, agents, messages and feed, filtered alike."""
    told = await over(status("s"), chunk("m", 0), final("n", of=BETA), activity("a", of=OTHER))
    async with asking(told) as client:
        for query, select in (
            ("", EVERYTHING),
            ("?agents=alpha,beta", Filter(agents=frozenset({"alpha", "beta"}))),
            ("?types=conversation.*,heartbeat", Filter(types=frozenset({"conversation.*", "heartbeat"}))),
            ("?gateways=gw2&agents=alpha", Filter(frozenset({"alpha"}), gateways=frozenset({"gw2"}))),
        ):
            snapshot = await told.journal.snapshot(select)
            assert (await client.get(f"/v1/snapshot{query}")).json() == json.loads(encode(snapshot))


async def test_agents_are_told_apart_by_their_gateway() -> None:
    """Two gateways may have an agent of one name; nobody is shown one for the other."""
    async with asking(await over(final("m1"), final("m2", of=OTHER), final("m3", of=BETA))) as client:
        agents = (await client.get("/v1/agents")).json()
        assert agents["cursor"] == {"epoch": "memory", "offset": 3}
        assert {(agent["gateway"], agent["id"]) for agent in agents["agents"]} == {ALPHA, BETA, OTHER}
        assert (await client.get("/v1/agents/beta")).json()["agent"]["gateway"] == "gw"
        for url in ("/v1/agents/alpha", "/v1/agents/alpha/messages", "/v1/feed?agent=alpha"):
            problem = await refused(client, url)
            assert (problem["status"], problem["gateways"]) == (409, ["gw", "gw2"])
        for gateway, message in (("gw", "m1"), ("gw2", "m2")):
            view = (await client.get(f"/v1/agents/alpha?gateway={gateway}")).json()["agent"]
            assert (view["gateway"], view["counters"]["messages"]) == (gateway, 1)
            history = (await client.get(f"/v1/agents/alpha/messages?gateway={gateway}")).json()["messages"]
            assert [one["message_id"] for one in history] == [message]
        for url in (
            "/v1/agents/gamma",
            "/v1/agents/beta?gateway=gw2",
            "/v1/agents/gamma/messages",
            "/v1/feed?agent=gamma",
        ):
            assert (await refused(client, url))["code"] == "unknown_agent"


@pytest.mark.parametrize("agent", ["ünï-çødé", "a b", "a.b", "a+b", "100%", "a,b", "…"])
async def test_agents_of_any_name_are_found(agent: str) -> None:
    """An agent's id is the gateway's choice; every one that fits in a path segment can be asked for."""
    async with asking(await over(final("m", of=("gw", agent)))) as client:
        path = httpx.URL("http://localhost").copy_with(path=f"/v1/agents/{agent}/messages").raw_path.decode()
        assert [one["agent_id"] for one in (await client.get(path)).json()["messages"]] == [agent]
        assert (await client.get("/v1/feed", params={"agent": agent})).json()["events"] == []


async def test_limits_are_kept() -> None:
    """One request cannot ask for the whole journal at once, and every limit that is allowed is met."""
    drafts = [final(f"m{n}", of=BETA) for n in range(250)] + [activity(f"a{n}", of=BETA) for n in range(1_100)]
    async with asking(await over(*drafts)) as client:
        for url, items, default, most in (
            ("/v1/agents/beta/messages", "messages", 50, 200),
            ("/v1/feed", "events", 100, 1_000),
            ("/v1/events", "events", 1_000, 1_000),
        ):
            assert len((await client.get(url)).json()[items]) == default
            assert len((await client.get(f"{url}?limit={most}")).json()[items]) == most


async def test_probes_are_told_alive_and_ready() -> None:
    """A supervisor restarts what is not alive and keeps traffic from what is not ready: two questions."""
    reasons: list[str] = []
    async with asking(services(unready=lambda: reasons)) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
        reasons.append("the journal is stalled")
        assert (await client.get("/healthz")).status_code == 200
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["the journal is stalled"])


async def test_a_client_learns_whom_it_talks_to() -> None:
    """The page says at once whether what it will show is simulated, and whether it must ask for a token."""
    async with asking(services(source="simulated")) as client:
        config = (await client.get("/v1/config")).json()
        assert config.pop("version")
        assert config == {"auth": {"mode": "none"}, "protocol": 1, "source": "simulated"}
