"""What must hold between settings, each of which may be fine by itself."""

from collections.abc import Callable, Iterator

from mission_control.config.problems import Problem, Source
from mission_control.config.schema import KeyPath
from mission_control.config.units import show_duration
from mission_control.settings import Settings

Where = Callable[[KeyPath], Source]


def broken_rules(settings: Settings, where: Where) -> Iterator[Problem]:
    """The rules that ``settings`` break; ``where`` tells where a value was set."""
    yield from _authentication(settings, where)
    yield from _gateway_ids(settings, where)
    yield from _order(settings, where)


def _authentication(settings: Settings, where: Where) -> Iterator[Problem]:
    auth = settings.auth
    if auth.mode == "none" and (auth.token or auth.token_file):
        allowed = 'auth.mode "token", or no token'
        yield Problem(str(where(("auth", "mode"))), '"none", although an operator token is configured', allowed)
    elif auth.mode == "none" and not settings.listen.is_loopback:
        allowed = (
            'a loopback address such as "127.0.0.1:8700"; or set auth.mode = "token" in the file,'
            " MISSION_CONTROL_AUTH__MODE=token or --set auth.mode=token: then everyone who connects needs the operator"
            " token, which is generated on first run"
        )
        found = f'"{settings.listen}", which others can reach, without authentication'
        yield Problem(str(where(("listen",))), found, allowed)


def _gateway_ids(settings: Settings, where: Where) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, gateway in enumerate(settings.gateways):
        if gateway.id in seen:
            found = f'"{gateway.id}" for a second time'
            yield Problem(str(where(("gateways", index, "id"))), found, "an id of its own for each gateway")
        seen.add(gateway.id)


def _order(settings: Settings, where: Where) -> Iterator[Problem]:
    liveness, reconnect = settings.liveness, settings.reconnect
    if liveness.offline_after_s <= liveness.degraded_after_s:
        found = show_duration(liveness.offline_after_s)
        allowed = f"more than liveness.degraded_after_s, which is {show_duration(liveness.degraded_after_s)}"
        yield Problem(str(where(("liveness", "offline_after_s"))), found, allowed)
    if reconnect.ceiling_s < reconnect.first_s:
        found = show_duration(reconnect.ceiling_s)
        allowed = f"at least reconnect.first_s, which is {show_duration(reconnect.first_s)}"
        yield Problem(str(where(("reconnect", "ceiling_s"))), found, allowed)
