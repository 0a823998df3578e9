"""The supervision tree and the dead letters over HTTP (docs/protocol.md, "Actors and dead letters").

A dead letter that is retried or discarded is gone with that, so a request that is made twice, by a client that lost
the answer to the first, finds nothing the second time: no message is delivered twice by it. And as a letter's id begins
with a word that is new after each start of the daemon, one from before never means another letter now.
"""

from collections.abc import Callable
from typing import TypeAlias

import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mission_control.core.actor_views import ActorsView, FailureView, LetterView, MailboxView, NodeView
from mission_control.edge.auth import MAX_SHOWN
from mission_control.edge.problems import Problem, json_response
from mission_control.edge.query import Query
from mission_control.edge.services import Services
from runtime import ActorStopped, DeadLetter, Failure, MailboxFull, MailboxStatistics, TreeNode

Moment: TypeAlias = Callable[[float], int]
"""From the kernel's time in seconds to ms since the epoch."""


class ActorsApi:
    """The endpoints; each is one method."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [
            Route("/v1/actors", self.actors),
            Route("/v1/dead-letters/{id}", self.discard, methods=["DELETE"]),
            Route("/v1/dead-letters/{id}/retry", self.retry, methods=["POST"]),
        ]

    async def actors(self, request: Request) -> Response:
        Query(request)
        now, moment = self._clock()
        tree, letters, instance = self._services.tree(), self._services.dead_letters(), self._services.instance

        def written() -> Response:
            shown = tuple(_letter(letter, instance, moment) for letter in letters)
            return json_response(ActorsView(now, instance, _node(tree, moment), shown))

        # With thousands of agents this takes longer than the event loop may stand still.
        return await trio.to_thread.run_sync(written)

    async def retry(self, request: Request) -> Response:
        """Accepted is not handled: whether the actor can handle it this time is not known yet."""
        letter = self._find(request)
        try:
            self._services.retry(letter.id)
        except MailboxFull as full:
            detail = f"{letter.path} takes no more mail now: {full}. The dead letter is kept; try again later."
            raise Problem(503, "mailbox_full", detail, headers={"Retry-After": "1"}) from None
        except ActorStopped:
            detail = f"{letter.path} has stopped and takes no mail. The dead letter is kept: discard it, or try again"
            raise Problem(409, "actor_stopped", f"{detail} once the actor is back.") from None
        return self._gone(letter, 202)

    async def discard(self, request: Request) -> Response:
        letter = self._find(request)
        self._services.discard(letter.id)
        return self._gone(letter, 200)

    def _find(self, request: Request) -> DeadLetter:
        Query(request)
        name = request.path_params["id"]
        for letter in self._services.dead_letters():
            if _name(letter, self._services.instance) == name:
                return letter
        detail = (
            f"There is no dead letter {name[:MAX_SHOWN]}: it was retried or discarded, made way for newer ones, or is "
            "from before the daemon was started. GET /v1/actors lists those that there are."
        )
        raise Problem(404, "unknown_dead_letter", detail)

    def _gone(self, letter: DeadLetter, status: int) -> Response:
        """The letter as it was."""
        _, moment = self._clock()
        return json_response(_letter(letter, self._services.instance, moment), status)

    def _clock(self) -> tuple[int, Moment]:
        now, at = self._services.clock(), trio.current_time()
        return now, lambda time: now - round((at - time) * 1000)


def _name(letter: DeadLetter, instance: str) -> str:
    return f"{instance}-{letter.id}"


def _letter(letter: DeadLetter, instance: str, moment: Moment) -> LetterView:
    failure = _failure(letter.failure, moment)
    return LetterView(_name(letter, instance), letter.path, letter.message, failure, moment(letter.time))


def _failure(failure: Failure, moment: Moment) -> FailureView:
    return FailureView(failure.type, failure.message, failure.where, moment(failure.time))


def _node(node: TreeNode, moment: Moment) -> NodeView:
    return NodeView(
        name=node.name,
        path=node.path,
        kind=node.kind.value,
        state=node.state.value,
        incarnation=node.incarnation,
        restarts=node.restarts,
        uptime_s=node.uptime_s,
        busy_s=node.busy_s,
        busy_fraction=node.busy_fraction,
        last_failure=None if node.last_failure is None else _failure(node.last_failure, moment),
        mailbox=None if node.mailbox is None else _mailbox(node.mailbox),
        children=tuple(_node(child, moment) for child in node.children),
    )


def _mailbox(mailbox: MailboxStatistics) -> MailboxView:
    return MailboxView(
        depth=mailbox.depth,
        capacity=mailbox.capacity,
        overflow=mailbox.overflow,
        in_hand=mailbox.in_hand,
        peak=mailbox.peak,
        oldest_age_s=mailbox.oldest_age_s,
        waiting=mailbox.waiting,
        handled=mailbox.handled,
        dead_lettered=mailbox.dead_lettered,
        refused=mailbox.refused,
        dropped=mailbox.dropped,
        superseded=mailbox.superseded,
        closed=mailbox.closed,
    )
