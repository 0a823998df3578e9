"""Whether a draft from outside of the daemon's own actors can be committed and shown."""

from typing import Final as Constant
from typing import TypeGuard, get_args

import msgspec

from mission_control.core.events import MAX_EVENT_ID, Draft, LinkStateName, Status, decode_payload, encode

LATEST: Constant = 2**53
"""Times are ms in what JavaScript counts exactly."""
DETAIL_DEPTH: Constant = 32
"""Levels of an object of any content. Whoever reads it may be deep in its own stack."""


def check_draft(draft: Draft) -> None:
    """Pass a draft that the journal can take, and every client understand.

    Raises:
        ValueError: says which draft, what is wrong, and what it should be.
    """
    wrong = _wrong_name(draft) or _wrong_payload(draft)
    if wrong is not None:
        raise ValueError(f"the event {str(draft.event_id)[:MAX_EVENT_ID]!r} cannot be published: {wrong}")


def _wrong_name(draft: Draft) -> str | None:
    if not is_text(draft.event_id) or len(draft.event_id) > MAX_EVENT_ID:
        return f"event_id must be a text of 1 to {MAX_EVENT_ID} characters"
    if not is_text(draft.gateway):
        return "gateway must be a text: the id of a gateway, or a name of your own for what stands in its place"
    if type(draft.timestamp) is not int or not 0 <= draft.timestamp < LATEST:
        return f"timestamp must be ms since the Unix epoch, not {draft.timestamp!r}"
    return None


def _wrong_payload(draft: Draft) -> str | None:
    try:
        payload = decode_payload(draft.type, encode(draft.payload))
    except (msgspec.ValidationError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        return f"its payload is not one: {error}"
    if not isinstance(payload, Status):
        return None if is_text(draft.agent_id) else f"{draft.type} needs an agent_id"
    if draft.agent_id is not None:
        return f"{draft.type} is of no agent: agent_id must be None"
    if payload.component == "gateway" and payload.state not in get_args(LinkStateName):
        return f"the state of a gateway is one of {', '.join(get_args(LinkStateName))}"
    return None


def is_text(value: object) -> TypeGuard[str]:
    """Whether it is a text, not empty, that can be written as UTF-8. Ids that came from gateways hold anything else."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_shallow(value: object, levels: int) -> bool:
    """Whether values of JSON are nested in no more levels than these."""
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(is_shallow(one, levels - 1) for one in inner)
