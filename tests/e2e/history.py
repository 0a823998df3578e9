"""What the gateway itself remembers, in the form in which it is compared with what a page shows."""

from typing import Any

from attrs import frozen

from tests.e2e.model import plain_text
from tests.e2e.operator_client import Operator
from tests.e2e.screen import Message

NOTICE = "\N{WARNING SIGN}"


@frozen
class Said:
    """One message of a conversation: who said it, and the text without white space around it."""

    role: str
    text: str


def remembered(operator: Operator, agent: str) -> list[Said]:
    """All that users and the agent said in all of its sessions, by time, as the gateway's `chat.history` has it.

    Tool results and answers without a text (of a model that failed or only called a tool) are no messages.
    """
    sessions = operator.request("sessions.list", {"agentId": agent})["sessions"]
    entries = [entry for session in sessions for entry in operator.chat_history(session["key"])]
    entries.sort(key=lambda entry: entry["timestamp"])
    said = [Said(entry["role"], spoken(entry).strip()) for entry in entries]
    return [one for one in said if one.role in ("user", "assistant") and one.text]


def spoken(entry: dict[str, Any]) -> str:
    """What an entry says, without the notice that OpenClaw puts before it when the model failed."""
    text = plain_text(entry["content"])
    failed = entry.get("stopReason") == "error" and text.startswith(NOTICE)
    return text.partition("\n\n")[2] if failed else text


def shown(messages: list[Message]) -> list[Said]:
    """The same for what a page shows."""
    return [Said(message.role, message.text.strip()) for message in messages]
