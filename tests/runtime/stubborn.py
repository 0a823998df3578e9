"""Actors that do not do as they are told."""

import trio

from runtime import Inbox


class Stubborn:
    """Does not look at its inbox."""

    async def run(self, inbox: Inbox[int]) -> None:
        await trio.sleep_forever()


class Stuck:
    """Does not even look at its cancellation, for 100 s."""

    async def run(self, inbox: Inbox[int]) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(100)
