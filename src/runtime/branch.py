"""What supervisors and pools share: a nursery of children and one serial loop that hears of every ending.

Children never raise into the nursery. Their endings, the ends of backoffs and the stop arrive as signals, and the loop
handles one at a time, so no two decisions about the tree are ever made at once. While it serves, the loop waits for
nothing but the next signal (and for children to take their first step): that is why backoff never delays a stop.
"""

import math
import random
from abc import abstractmethod
from collections.abc import Collection, Sequence

import trio
from trio.lowlevel import Task

from runtime.child import PATIENCE, Child
from runtime.errors import AlreadySupervised, InvalidOption
from runtime.failure import Failure
from runtime.inspection import Inspected
from runtime.letters import DeadLetters
from runtime.observe import DeadLetter, Kind, Observer, RuntimeEvent
from runtime.options import check_name, check_number, check_type
from runtime.policy import Backoff, Restart
from runtime.signals import Control, Due, Exited, Signal
from runtime.watch import Watched


class Branch(Inspected, Watched):
    """A part of the tree that has children. ``observer`` and ``rng`` default to the parent's."""

    def __init__(
        self,
        name: str,
        kind: Kind,
        grace: float,
        restart: Restart,
        backoff: Backoff,
        *,
        significant: bool,
        rng: random.Random | None,
        observer: Observer | None,
    ) -> None:
        super().__init__()
        check_name(type(self).__name__, name)
        check_number(repr(name), "grace", grace, 0)
        check_type(repr(name), "backoff", backoff, Backoff)
        if restart not in (Restart.TRANSIENT, Restart.TEMPORARY):
            raise InvalidOption(repr(name), "restart", restart, "TRANSIENT or TEMPORARY: stopped, it stays so")
        self.name = name
        self.restart = restart
        self.significant = significant
        self.observer_failures = 0
        self._parent: Branch | None = None
        self._followed = self._node = BranchChild(self, kind, restart, grace, backoff)
        self._rng = rng
        self._observer = observer
        self._own_letters = DeadLetters()  # used at the root
        self._stop_requested = False
        self._stop_by = math.inf
        self._signals: trio.MemorySendChannel[Signal] | None = None
        self._nursery: trio.Nursery | None = None  # there while the loop serves: what may be started is started in it
        self._task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED

    # What supervisors and pools differ in

    @abstractmethod
    async def _handle(self, signal: Exited | Due[object]) -> Exception | None:
        """Returns the failure to end with, if the signal is one too many."""

    @abstractmethod
    async def _stop_children(self) -> None:
        """End all children for good, by ``_stop_by`` at the latest."""

    # For the program

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run as the root of a tree, once; ``task_status.started()`` is called when all children run.

        Returns after a stop, when all children have ended. Cancelling it cancels all children at once, without grace.
        Raises RestartIntensityExceeded after an orderly stop of all children, AlreadySupervised.
        """
        if self._parent is not None or self._node.incarnation:
            raise AlreadySupervised(self.name)
        self._task_status = task_status
        self._node.prepare()
        try:
            await self._node.live()
        finally:
            error = self._node.error
            self._node.finish()
        if error is not None:
            raise error

    def stop(self) -> None:
        """Stop all children for good. Returns at once; ``run`` returns when it is done. May be called at any time,
        and again."""
        if not self._stop_requested:
            self._stop_requested = True
            if self._signals is not None:
                self._signals.send_nowait(Control.STOP)

    # For the children and the dead letters: the protocols Host and Place

    @property
    def path(self) -> str:
        return self._node.path

    @property
    def parent(self) -> "Branch | None":
        return self._parent

    def observe(self, event: RuntimeEvent) -> None:
        branch = self
        while branch._observer is None:
            if branch._parent is None:
                return
            branch = branch._parent
        try:
            branch._observer(event)
        except Exception:
            # An observer must not hurt the tree, and the kernel does not log: the count is there to be looked at.
            branch.observer_failures += 1

    def exited(self, child: Child) -> None:
        if self._signals is not None:
            self._signals.send_nowait(Exited(child))

    def bury(self, child: Child, message: object, failure: Failure) -> DeadLetter:
        return self._letters.bury(self, child, message, failure)

    # Inside

    @property
    def _letters(self) -> DeadLetters:
        return self._own_letters if self._parent is None else self._parent._letters

    @property
    def rng(self) -> random.Random:
        if self._rng is None:
            self._rng = random.Random() if self._parent is None else self._parent.rng  # noqa: S311  # jitter only
        return self._rng

    def _join(self, parent: "Branch") -> Child:
        """Become a child of ``parent``."""
        if self._parent is not None or self._node.incarnation:
            raise AlreadySupervised(self.name)
        self._parent = self._node.host = parent
        return self._node

    def _stop_within(self, deadline: float) -> None:
        self._stop_by = min(self._stop_by, deadline)
        self.stop()

    async def _supervise(self) -> None:
        """One incarnation of this branch."""
        send, receive = trio.open_memory_channel[Signal](math.inf)
        with send, receive:
            self._signals = send
            try:
                async with trio.open_nursery() as nursery:
                    failure = await self._serve(nursery, receive)
                    self._stop_by = min(self._stop_by, trio.current_time() + self._node.grace)
                    if failure is None or self._parent is None or self.restart is Restart.TEMPORARY:
                        await self._stop_children()
                    else:
                        await self._cancel_children()
                    nursery.cancel_scope.cancel()  # the backoffs still running
            finally:
                self._signals = None
        if failure is not None:
            self._stop_by = math.inf
            raise failure

    async def _serve(self, nursery: trio.Nursery, signals: trio.MemoryReceiveChannel[Signal]) -> Exception | None:
        self._nursery = nursery
        try:
            await self._start_in_order(
                [child for child in self.children() if not child.finished and not child.stopping]
            )
            self._node.begun()
            self._task_status.started()
            while not self._stop_requested:
                signal = await signals.receive()
                if isinstance(signal, Control):
                    continue
                if isinstance(signal, Exited):
                    signal.child.heard = True
                if not self._stop_requested:
                    failure = await self._handle(signal)
                    if failure is not None:
                        return failure
            return None
        finally:
            self._nursery = None

    async def _start_in_order(self, children: Sequence[Child]) -> None:
        assert self._nursery is not None
        for child in children:
            if not self._stop_requested:
                child.start(self._nursery)
                await child.wait_begun()

    async def _cancel_children(self) -> None:
        """Before an escalation: the parent may run all this again, so addresses stay open and mail stays in place."""
        for child in reversed(self.children()):
            child.cancel()
            await child.wait_ended(trio.current_time() + PATIENCE)

    def _later(self, delay: float, signal: Due[object]) -> None:
        assert self._nursery is not None
        self._nursery.start_soon(self._post_after, delay, signal, name=f"{self.path} backoff")

    async def _post_after(self, delay: float, signal: Due[object]) -> None:
        await trio.sleep(delay)
        assert self._signals is not None
        self._signals.send_nowait(signal)


class BranchChild(Child):
    """A supervisor or pool, as the child of its parent or as the root. Restarted after an escalation or a kill."""

    __slots__ = ("branch",)

    def __init__(self, branch: Branch, kind: Kind, restart: Restart, grace: float, backoff: Backoff) -> None:
        super().__init__(branch.name, kind, restart, grace, backoff)
        self.branch = branch

    async def _run(self) -> None:
        await self.branch._supervise()

    def _release(self, *, returned: bool, blamed: bool) -> None:
        pass  # its children keep their own mail

    def _ask_to_stop(self) -> None:
        # Not cancelled at its cut: it knows the deadline, and cancels its children in order.
        self.branch._stop_within(self._cut)

    def _close(self) -> int:
        self.branch._stop_requested = True  # whoever hears of the ends below must not bring new children
        for child in reversed(self.branch.children()):
            child.finish()
        return 0

    def children(self) -> Sequence[Child]:
        return self.branch.children()

    def contains(self, lineage: Collection[Task]) -> bool:
        # Not by its own task: for the root that is whichever called run, and may have other children.
        return any(child.contains(lineage) for child in self.branch.children())

    def watched(self) -> Branch:
        return self.branch

    def observe(self, event: RuntimeEvent) -> None:
        self.branch.observe(event)
