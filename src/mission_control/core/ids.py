"""Event ids: the same occurrence gets the same id, whenever and by whichever way it is learned of."""

from hashlib import blake2b

from mission_control.core.events import MAX_EVENT_ID


def event_id(*parts: object) -> str:
    """The parts joined with ``:``. Too long an id keeps its beginning and gets a digest of the whole for an end."""
    name = ":".join(str(part) for part in parts)
    if len(name) <= MAX_EVENT_ID:
        return name
    digest = blake2b(name.encode(), digest_size=16).hexdigest()
    return f"{name[: MAX_EVENT_ID - len(digest) - 1]}~{digest}"
