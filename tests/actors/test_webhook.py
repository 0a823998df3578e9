"""The webhook at work: what is sent, tried again and given up, in the daemon's own parts and in trio's time."""

import logging
from collections.abc import AsyncIterator

import httpx
import pytest
import trio
from attrs import asdict
from trio.testing import MockClock

from actors.webhook import ALARM_EVERY_MS
from mission_control.core.events import Clocks, Draft, Heartbeat, Status
from mission_control.settings import Seconds, Secret
from mission_control.testing import GATEWAY, activity, clock
from tests.actors.webhooks import KEY, OPTIONS, SECRET, URL, Endpoint, refused, sending, status, verified


def busy(**headers: str) -> httpx.Response:
    return httpx.Response(503, headers=headers)


def beat(agent: str, state: str, *, ephemeral: bool = False) -> Draft:
    payload = Heartbeat(state, None, state, Clocks())  # type: ignore[arg-type]
    return Draft(f"beat:{agent}:{state}:{ephemeral}:{clock()}", clock(), GATEWAY, agent, payload, ephemeral)


class TestSending:
    async def test_chosen_events_are_sent_in_order(self, autojump_clock: MockClock) -> None:
        """Each once, and nothing else: no plain beats, and not what the lists leave out."""
        endpoint = Endpoint()
        lists = {"kinds": ("run.*",), "statuses": ("offline",), "agents": ("alpha",)}
        async with sending(endpoint, **lists) as there:
            wanted = [activity("alpha", "run.failed"), beat("alpha", "offline"), activity("alpha", "run.stalled")]
            other = [activity("alpha", "tool.started"), beat("alpha", "online"), activity("beta", "run.failed")]
            await there.commit(other[0], wanted[0], other[1], beat("alpha", "offline", ephemeral=True), wanted[1])
            await there.commit(other[2], wanted[2])
            await there.settled()
        assert endpoint.events == [draft.event_id for draft in wanted]

    async def test_both_keys_sign_during_a_rotation(self, autojump_clock: MockClock) -> None:
        endpoint = Endpoint()
        new = "whsec_bmV3IGtleSwgbmV3IGtleSwgbmV3IGtleSwgbmV3IQ=="
        async with sending(endpoint, secret=Secret(new), previous_secret=Secret(SECRET)) as there:
            await there.commit(activity("alpha", "run.failed"))
            await there.settled()
        [(_, request)] = endpoint.received
        for key in (KEY, b"new key, new key, new key, new!"):
            verified(request.headers, request.content, key)

    async def test_an_attempt_is_signed_anew_under_the_same_id(self, autojump_clock: MockClock) -> None:
        """A receiver may refuse old timestamps, and must be able to recognise what it has."""
        endpoint = Endpoint([busy(**{"retry-after": "600"})])
        async with sending(endpoint) as there:
            await there.commit(activity("alpha", "run.failed"))
            await there.settled()
        first, second = (request.headers for _, request in endpoint.received)
        assert first["webhook-id"] == second["webhook-id"]
        assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 600

    async def test_a_slow_endpoint_holds_up_nobody(self, autojump_clock: MockClock) -> None:
        """What is committed meanwhile is committed and delivered to others as ever."""
        endpoint = Endpoint([15.0])
        async with sending(endpoint) as there:
            with trio.fail_after(1):
                for _ in range(20):
                    await there.commit(activity("alpha", "run.failed"))
            assert len(endpoint.received) == 1
            await there.settled()
        assert len(endpoint.received) == 20

    @pytest.mark.parametrize("rest", ["slow", "long", "broken"])
    async def test_an_answer_counts_when_its_status_is_there(self, autojump_clock: MockClock, rest: str) -> None:
        """Whatever comes of its body, which is not waited for."""

        class Rest(httpx.AsyncByteStream):
            async def __aiter__(self) -> AsyncIterator[bytes]:
                if rest == "broken":
                    raise httpx.ReadError("reset")
                for _ in range(1_000):
                    await trio.sleep(0.5 if rest == "slow" else 0)
                    yield bytes(1 if rest == "slow" else 10_000)
                raise AssertionError("all of it was read")

        async def answer(request: httpx.Request) -> httpx.Response:
            await trio.lowlevel.checkpoint()
            return httpx.Response(200, stream=Rest())

        async with sending(answer) as there:
            began = trio.current_time()
            await there.commit(activity("alpha", "run.failed"))
            await there.settled()
            assert there.metric("events_total", {"outcome": "delivered"}) == 1
            assert trio.current_time() - began <= 1

    async def test_no_cookie_is_kept(self, autojump_clock: MockClock) -> None:
        endpoint = Endpoint([httpx.Response(200, headers={"set-cookie": "track=1; Path=/"})])
        async with sending(endpoint) as there:
            await there.commit(activity("alpha", "run.failed"), activity("alpha", "run.failed"))
            await there.settled()
        assert all("cookie" not in request.headers for _, request in endpoint.received)


class TestTryingAgain:
    @pytest.mark.parametrize("trouble", [busy(), httpx.Response(429), refused(), httpx.ReadError("reset"), 60.0])
    async def test_what_may_pass_is_tried_again(
        self, autojump_clock: MockClock, trouble: httpx.Response | Exception | float
    ) -> None:
        """After a random wait whose bound doubles; those behind it wait too, so that the order stays."""
        endpoint = Endpoint([trouble] * 4)
        async with sending(endpoint) as there:
            first, second = activity("alpha", "run.failed"), activity("alpha", "run.resumed")
            await there.commit(first, second)
            await there.settled()
            assert endpoint.events == [first.event_id] * 5 + [second.event_id]
            spent = float(OPTIONS.timeout_s) if trouble == 60.0 else 0.0
            for pause, bound in zip(endpoint.pauses, (1, 2, 4, 8, 0), strict=True):
                assert pause <= spent * bool(bound) + bound
            assert there.metric("events_total", {"outcome": "delivered"}) == 2
            assert there.metric("failed_attempts_total") == 4

    async def test_the_endpoint_may_say_when(self, autojump_clock: MockClock) -> None:
        """``Retry-After`` is the least wait, up to an hour."""
        endpoint = Endpoint([busy(**{"retry-after": "90"}), httpx.Response(429, headers={"retry-after": "99999"})])
        async with sending(endpoint, give_up_after_s=Seconds(86_400)) as there:
            await there.commit(activity("alpha", "run.failed"))
            await there.settled()
        assert endpoint.pauses == [90.0, 3_600.0]

    @pytest.mark.parametrize("code", [301, 400, 401, 404, 410, 422])
    async def test_what_will_not_pass_is_given_up(self, autojump_clock: MockClock, code: int) -> None:
        """At once, and those behind it follow."""
        endpoint = Endpoint([httpx.Response(code, headers={"location": "https://elsewhere.example.com/"})])
        async with sending(endpoint) as there:
            first, second = activity("alpha", "run.failed"), activity("alpha", "run.resumed")
            await there.commit(first, second)
            await there.settled()
            assert endpoint.events == [first.event_id, second.event_id]
            assert there.metric("events_total", {"outcome": "given_up"}) == 1
            assert there.metric("events_total", {"outcome": "delivered"}) == 1
        assert {request.url.host for _, request in endpoint.received} == {"hooks.example.com"}

    async def test_attempts_are_bounded(self, autojump_clock: MockClock) -> None:
        endpoint = Endpoint([refused()] * 3)
        async with sending(endpoint, attempts=3) as there:
            first, second = activity("alpha", "run.failed"), activity("alpha", "run.resumed")
            await there.commit(first, second)
            await there.settled()
        assert endpoint.events == [first.event_id] * 3 + [second.event_id]

    async def test_an_old_event_is_tried_once(self, autojump_clock: MockClock) -> None:
        """After an outage what has waited through it gets its chance, but no more than one."""
        endpoint = Endpoint([busy(**{"retry-after": "120"}), busy(), busy()])
        async with sending(endpoint, give_up_after_s=Seconds(60)) as there:
            drafts = [activity("alpha", "run.failed") for _ in range(3)]
            await there.commit(*drafts)
            await there.settled()
        assert endpoint.events == [draft.event_id for draft in drafts]
        assert endpoint.pauses[0] == 120

    async def test_an_outage_is_not_hammered(self, autojump_clock: MockClock) -> None:
        """The wait grows from event to event, up to 5 min, and starts over after a success."""
        endpoint = Endpoint([refused()] * 40)
        async with sending(endpoint, attempts=2) as there:
            await there.commit(*(activity("alpha", "run.failed") for _ in range(30)))
            await there.settled()
            assert sum(endpoint.pauses[10:39]) > 29 * 60
            assert max(endpoint.pauses) <= 300
            seen = len(endpoint.received)
            for _ in range(5):
                endpoint.script.append(refused())
                await there.commit(activity("alpha", "run.failed"))
                await there.settled()
            assert max(endpoint.pauses[seen:]) <= 1


class TestOverflow:
    async def test_the_oldest_that_wait_are_dropped(self, autojump_clock: MockClock) -> None:
        """What is in hand stays, the newest stay, and what went is counted."""
        endpoint = Endpoint([busy(**{"retry-after": "30"})])
        async with sending(endpoint, max_waiting=5) as there:
            await there.commit(drafts := activity("alpha", "run.failed"))
            await trio.sleep(1)
            rest = [activity("alpha", "run.failed") for _ in range(20)]
            for draft in rest:
                await there.commit(draft)
            await trio.sleep(1)
            assert (await status(there))["waiting"] == 6
            await there.settled()
            assert endpoint.events == [drafts.event_id] * 2 + [draft.event_id for draft in rest[-5:]]
            assert there.metric("events_total", {"outcome": "dropped"}) == 15
            assert (await status(there))["dropped"] == 15

    async def test_what_is_not_chosen_takes_no_place(self, autojump_clock: MockClock) -> None:
        """However much of it comes while the endpoint is gone."""
        endpoint = Endpoint([busy(**{"retry-after": "30"})])
        async with sending(endpoint, max_waiting=5, kinds=("run.failed",)) as there:
            wanted = [activity("alpha", "run.failed") for _ in range(3)]
            await there.commit(*wanted)
            await there.commit(*(activity("alpha", "tool.started") for _ in range(100)))
            await there.settled()
            assert there.metric("events_total", {"outcome": "dropped"}) == 0
        assert endpoint.events[1:] == [draft.event_id for draft in wanted]


class TestTelling:
    async def test_an_endpoint_that_fails_is_said_once(
        self, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """When it has failed three times in a row; and once more when it works again. Neither is itself sent."""
        endpoint = Endpoint([refused()] * 30)
        caplog.set_level(logging.INFO, "mission_control")
        async with sending(endpoint, attempts=100, give_up_after_s=Seconds(86_400)) as there:
            drafts = [activity("alpha", "run.failed") for _ in range(5)]
            await there.commit(*drafts)
            began = trio.current_time()
            await there.settled()
            assert trio.current_time() - began > 3 * ALARM_EVERY_MS / 1000
            said = [draft.payload for draft in await there.published()]
        path = "root/extensions/webhook"
        assert said == [
            Status(
                "actor",
                path,
                "failing",
                "https://hooks.example.com takes no events: no connection: connection refused",
            ),
            Status("actor", path, "recovered", "https://hooks.example.com takes events again"),
        ]
        assert set(endpoint.events) == {draft.event_id for draft in drafts}
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]

    async def test_a_passing_trouble_is_not_worth_a_word(self, autojump_clock: MockClock) -> None:
        endpoint = Endpoint([refused(), refused()])
        async with sending(endpoint) as there:
            await there.commit(activity("alpha", "run.failed"))
            assert await there.published() == []

    async def test_an_endpoint_that_comes_and_goes_is_not_said_each_time(self, autojump_clock: MockClock) -> None:
        """At most once in five minutes."""
        endpoint = Endpoint()
        async with sending(endpoint) as there:
            began = trio.current_time()
            for _ in range(30):
                endpoint.script = [refused()] * 3
                await there.commit(activity("alpha", "run.failed"))
                await there.settled()
            alarms = [draft for draft in await there.published() if "failing" in draft.event_id]
            assert 1 <= len(alarms) <= 1 + (trio.current_time() - began) / 300

    async def test_what_is_given_up_is_logged_now_and_then(
        self, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A line a minute at most, also when the endpoint takes what comes in between."""
        endpoint = Endpoint(always=lambda event: httpx.Response(400 if "failed" in event.event_id else 204))
        async with sending(endpoint) as there:
            began = trio.current_time()
            for _ in range(100):
                await there.commit(activity("alpha", "run.failed"), activity("alpha", "run.resumed"))
            await there.settled()
            lines = [record for record in caplog.records if "gave up" in record.getMessage()]
            assert 1 <= len(lines) <= 1 + (trio.current_time() - began) / 60
            assert there.metric("events_total", {"outcome": "given_up"}) == 100

    async def test_neither_url_nor_secret_shows(
        self, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not in logs, events, status or metrics: who knows the URL of some services may send there."""
        errors = [httpx.UnsupportedProtocol(f"bad {URL}"), httpx.RemoteProtocolError(URL), refused()]
        endpoint = Endpoint([*errors, httpx.Response(404)])
        caplog.set_level(logging.DEBUG, "mission_control")
        async with sending(endpoint) as there:
            await there.commit(activity("alpha", "run.failed"), activity("alpha", "run.failed"))
            shown = [await there.published(), await status(there), caplog.text]
        for part in ("password", "T0/secret", "key=1", SECRET, SECRET.removeprefix("whsec_")):
            assert part not in repr(shown)
            assert part not in repr(OPTIONS)

    async def test_the_status_route(self, autojump_clock: MockClock) -> None:
        """It says how it goes now, and what went wrong last."""
        endpoint = Endpoint([refused(), refused(), busy(**{"retry-after": "60"})])
        async with sending(endpoint) as there:
            idle = await status(there)
            assert (idle["delivered"], idle["failing_since"], idle["last_failed"]) == (0, None, None)
            await there.commit(draft := activity("alpha", "run.failed"))
            await trio.sleep(30)
            failing = await status(there)
            assert failing["failing_since"] <= clock()
            assert failing["next_attempt_at"] == pytest.approx(failing["last_failed"]["timestamp"] + 60_000, abs=2)
            assert failing["last_failed"]["problem"] == "it answers 503"
            assert (failing["waiting"], failing["failed_attempts"]) == (1, 3)
            assert there.metric("failing") == 1
            await there.settled()
            working = await status(there)
            assert (working["waiting"], working["delivered"], working["failing_since"]) == (0, 1, None)
            assert [asdict(sink) for sink in there.sinks()] == [working]
            assert working["last_delivered"]["event_id"] == draft.event_id
            assert working["last_delivered"]["latency_ms"] == clock() - draft.timestamp
            assert working["next_attempt_at"] is None
            assert there.metric("delivery_seconds_count") == 1
            assert there.metric("failing") == 0
            endpoint.script.append(15.0)
            await there.commit(activity("alpha", "run.failed"))
            await trio.sleep(1)
            sending_now = await status(there)
            assert (sending_now["waiting"], sending_now["next_attempt_at"]) == (1, None)


class TestCrashes:
    async def test_what_was_in_hand_is_sent_again(self, autojump_clock: MockClock) -> None:
        """Under the same id, with everything behind it, and the counts go on."""
        endpoint = Endpoint([0.0, 15.0])
        async with sending(endpoint) as there:
            drafts = [activity("alpha", "run.failed") for _ in range(4)]
            await there.commit(*drafts)
            await trio.sleep(1)
            there.crash()
            await there.settled()
            ids = [draft.event_id for draft in drafts]
            assert endpoint.events == [ids[0], ids[1], *ids[1:]]
            assert there.metric("events_total", {"outcome": "delivered"}) == 4

    async def test_a_successor_keeps_the_wait(self, autojump_clock: MockClock) -> None:
        """A crash is no reason to hammer an endpoint that asked for peace."""
        endpoint = Endpoint([busy(**{"retry-after": "500"})])
        async with sending(endpoint) as there:
            await there.commit(activity("alpha", "run.failed"))
            await trio.sleep(1)
            there.crash()
            await there.settled()
        assert endpoint.pauses[0] == pytest.approx(500, abs=0.1)

    async def test_a_stop_waits_for_what_is_nearly_done(self, autojump_clock: MockClock) -> None:
        """Within its grace everything that waits is sent; an endpoint that is gone does not hold it up longer."""
        endpoint = Endpoint([1.0, 1.0])
        async with sending(endpoint) as there:
            await there.commit(activity("alpha", "run.failed"), activity("alpha", "run.failed"))
            there.stop()
        assert len(endpoint.received) == 2
        gone = Endpoint([refused()] * 99)
        async with sending(gone) as there:
            await there.commit(activity("alpha", "run.failed"))
            began = trio.current_time()
            there.stop()
        assert trio.current_time() - began < 10
