"""What a webhook says and whether it got through: choosing events, signing, and reading the answer. No I/O.

Source: the Standard Webhooks specification 1.0.0 for headers, signature and secrets; RFC 9110 for ``Retry-After``.
"""

import enum
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from hashlib import blake2b, sha256
from hmac import digest
from typing import Final as Constant

from attrs import frozen

from mission_control.core.events import Activity, Event, EventType, Heartbeat, Status, decode_payload, encode
from mission_control.core.kinds import admits, is_pattern
from mission_control.core.subscription import EVERYTHING, Filter

SECRET_PREFIX: Constant = "whsec_"  # noqa: S105 - what secrets begin with, none itself
SECRET_BYTES: Constant = range(24, 65)
KEY_RULE: Constant = (
    "24 to 64 random bytes in base64, with or without whsec_ before them, "
    "such as python3 -c \"import base64, os; print('whsec_' + base64.b64encode(os.urandom(32)).decode())\" makes"
)

MOST_PATIENT_S: Constant = 3_600.0
"""The longest wait that an endpoint may ask for, in seconds."""


def check_patterns(kinds: Sequence[str]) -> None:
    """Pass kinds of activities and families of them. Raises ValueError."""
    for kind in kinds:
        if not is_pattern(kind):
            raise ValueError(f'"{kind}" is no kind of activity such as "run.failed", nor a family such as "run.*"')


@frozen
class Selection:
    """Which events are sent. An empty list admits all; the lists narrow each other down.

    ``kinds`` narrow activities down, and may be families such as ``tool.*``; ``statuses`` narrow down the statuses of
    agents and the states of parts of the system. ``select`` does the same for agents, types and gateways. Never sent
    is what is said of the parts of the system below the path ``own``: a failure to send must not be one more event to
    send.
    """

    select: Filter = EVERYTHING
    kinds: tuple[str, ...] = ()
    statuses: frozenset[str] = frozenset()
    own: str = ""

    def admits(self, event: Event) -> bool:
        if not self.select.admits(event.type, event.gateway, event.agent_id):
            return False
        if event.type in (EventType.CHUNK, EventType.FINAL):
            return True
        match decode_payload(event.type, event.payload):
            case Activity(kind=kind):
                return admits(self.kinds, kind)
            case Heartbeat(status=status):
                return not self.statuses or status in self.statuses
            case Status(id=name, state=state):
                mine = bool(self.own) and f"{name}/".startswith(f"{self.own}/")
                return not mine and (not self.statuses or state in self.statuses)
            case _:
                return True


@frozen
class Delivery:
    """An event on its way. ``at`` is when it was chosen, in ms; ``body`` is its envelope, the bytes that are signed."""

    event_id: str
    body: bytes
    at: int

    @classmethod
    def of(cls, event: Event, at: int) -> "Delivery":
        return cls(event.event_id, encode(event), at)

    @property
    def webhook_id(self) -> str:
        """The same for every attempt. A digest, since an event id may hold what no header or signed text may."""
        return f"evt_{blake2b(self.event_id.encode(), digest_size=16).hexdigest()}"

    def headers(self, keys: Sequence[bytes], at: int) -> dict[str, str]:
        """What makes an attempt at ``at`` (ms) verifiable."""
        timestamp = str(at // 1000)
        signatures = (sign(key, self.webhook_id, timestamp, self.body) for key in keys)
        return {
            "webhook-id": self.webhook_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(signatures),
        }


def sign(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    """One signature as it stands in the header."""
    signed = b".".join((webhook_id.encode(), timestamp.encode(), body))
    return f"v1,{b64encode(digest(key, signed, sha256)).decode()}"


def signing_key(secret: str) -> bytes:
    """The key that a secret stands for. Raises ValueError, whose text does not show it."""
    try:
        key = b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:  # binascii.Error is one
        raise ValueError(KEY_RULE) from None
    if len(key) not in SECRET_BYTES:
        raise ValueError(f"{KEY_RULE}; this one has {len(key)} bytes")
    return key


class Verdict(enum.Enum):
    """What an answer means for the delivery."""

    DELIVERED = "delivered"
    RETRY = "retry"
    GIVE_UP = "give_up"


@frozen
class Answer:
    """How an attempt ended. ``status`` is None without an answer; ``problem`` is then why, in a few words.

    ``retry_after``: how many seconds the endpoint asks to wait.
    """

    status: int | None = None
    problem: str = ""
    retry_after: float | None = None

    @property
    def verdict(self) -> Verdict:
        """Only what may pass by itself is tried again: no answer, a busy server, a failing one."""
        if self.status is None or self.status in (408, 425, 429) or self.status >= 500:
            return Verdict.RETRY
        return Verdict.DELIVERED if 200 <= self.status < 300 else Verdict.GIVE_UP

    def __str__(self) -> str:
        if self.status is None:
            return self.problem
        if 300 <= self.status < 400:
            return f"it answers {self.status}, a redirect, which is not followed: set url to where it really is"
        return f"it answers {self.status}"


def retry_after(headers: Mapping[str, str], now: int) -> float | None:
    """The seconds to wait that an answer asks for, at most :data:`MOST_PATIENT_S`. ``now`` in ms."""
    value = headers.get("retry-after", "").strip()
    seconds: float
    if value.isascii() and value.isdecimal():
        seconds = float(value)
    else:
        try:
            date = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        # A date without a zone is in UTC: HTTP knows no other.
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now / 1000
    return min(max(0.0, seconds), MOST_PATIENT_S)
