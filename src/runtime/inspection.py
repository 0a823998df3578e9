"""What a program may ask of a part of the tree while it runs, and do to it by hand."""

from abc import abstractmethod

from runtime.child import Child
from runtime.letters import DeadLetters, Place
from runtime.observe import DeadLetter, StopReport, TreeNode
from runtime.snapshot import node_of, report_on, walk


class Inspected(Place):
    """Snapshots, reports, dead letters, crash injection: all of this part of the tree and of what is below it."""

    _node: Child

    @property
    @abstractmethod
    def _letters(self) -> DeadLetters:
        """Those of the whole tree."""

    def tree(self) -> TreeNode:
        """A snapshot."""
        return node_of(self._node)

    def report(self) -> StopReport:
        """What the stop could not do in order, as far as it has come. See StopReport."""
        return report_on(self._node)

    def kill(self, name: str) -> None:
        """Crash injection: end the living incarnation of a child, anywhere below, as if it had raised ActorKilled.

        Its mail is not blamed, its restart counts as any other. No effect between two incarnations.
        name: a path ("root/agents/alpha"), or a name that is unique below. Raises LookupError.
        """
        below = list(walk(self.children()))
        found = [child for child in below if child.path == name] or [child for child in below if child.name == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} children of {self.path!r} are named {name!r}: give a path of its tree()")
        found[0].kill()

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Oldest first; the kernel keeps the newest 100 of a whole tree."""
        return self._letters.below(self)

    def retry(self, letter_id: int) -> None:
        """Put the message of a dead letter back into its actor's mailbox, as new mail.

        Its actor is the one that has the path now, which in a pool may be a fresh one. Raises LookupError when there
        is no such letter; MailboxFull, ActorStopped: then the letter is kept.
        """
        self._letters.retry(letter_id, self)

    def discard(self, letter_id: int) -> None:
        """Forget a dead letter. Raises LookupError when there is no such letter."""
        self._letters.discard(letter_id, self)
