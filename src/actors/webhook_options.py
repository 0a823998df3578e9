"""What can be set of the webhook: ``[actors.webhook]`` (docs/webhooks.md)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import httpx
from attrs import frozen

from mission_control.core.subscription import unknown_types
from mission_control.core.webhooks import check_patterns, signing_key
from mission_control.extension import Between, Filter, Seconds, Secret


@frozen(kw_only=True)
class WebhookOptions:
    """Where to send what, and how long to try.

    ``url`` is kept as a secret, since many a service lets whoever knows it send. ``previous_secret`` signs besides
    ``secret`` while receivers change over. Empty lists admit all.
    """

    url: Secret
    url_file: Path | None = None
    secret: Secret | None = None
    secret_file: Path | None = None
    previous_secret: Secret | None = None
    previous_secret_file: Path | None = None
    types: tuple[str, ...] = ("activity.event", "heartbeat", "system.status")
    kinds: tuple[str, ...] = ("run.failed", "run.stalled", "run.resumed", "stream.gap")
    statuses: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    timeout_s: Annotated[Seconds, Between(0.1, 300)] = Seconds(20.0)
    """For one attempt, from its connection to its answer."""
    attempts: Annotated[int, Between(1, 1_000)] = 12
    give_up_after_s: Annotated[Seconds, Between(0)] = Seconds(3_600.0)
    """An event is not tried again when it would be older than this; every event is tried once."""
    max_waiting: Annotated[int, Between(1, 100_000)] = 1_000

    def __attrs_post_init__(self) -> None:
        """Raises ValueError, which shows neither URL nor secret."""
        _check_url(self.url)
        _ = self.keys
        check_patterns(self.kinds)
        if unknown := unknown_types(frozenset(self.types)):
            raise ValueError(f"types has {', '.join(unknown)}, which is no type of event and no family of them")

    @property
    def keys(self) -> Sequence[bytes]:
        """What signs, the current one first."""
        if self.secret is None:
            raise ValueError("secret or secret_file must be set, so that receivers can tell who sends")
        keys = []
        for name, secret in (("secret", self.secret), ("previous_secret", self.previous_secret)):
            if secret is not None:
                try:
                    keys.append(signing_key(secret.reveal()))
                except ValueError as error:
                    raise ValueError(f"{name} must be {error}") from None
        return keys

    @property
    def select(self) -> Filter:
        return Filter(frozenset(self.agents), frozenset(self.types), frozenset(self.gateways))

    @property
    def endpoint(self) -> str:
        """All of the URL that may be shown: neither user and password, nor path and query."""
        url = httpx.URL(self.url.reveal())
        return f"{url.scheme}://{url.netloc.decode()}"


def _check_url(secret: Secret) -> None:
    rule = "url must be http://HOST[:PORT][/PATH] or https://…"
    try:
        url = httpx.URL(secret.reveal())
        urlsplit(secret.reveal())  # finds what httpx lets pass, such as half a bracket
    except (httpx.InvalidURL, ValueError):
        raise ValueError(rule) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(rule)
