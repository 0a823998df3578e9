"""What a mailbox must do, said once more as plainly as possible: one list, walked from the front each time."""

import attrs


@attrs.define(eq=False)
class Entry:
    """handed: some incarnation has had it in hand; since: when its place in the queue was taken"""

    number: int
    key: int
    since: float
    handed: bool = False
    suspect: bool = False


@attrs.define
class MailModel:
    """policy: the name of the overflow policy; ends: what became of each message whose sender waited for something

    A message is handled when it is acknowledged; in_hand counts those of the living incarnation, at the front.
    """

    policy: str
    capacity: int
    queue: list[Entry] = attrs.field(factory=list)
    senders: list[Entry] = attrs.field(factory=list)
    in_hand: int = 0
    got: bool = False
    handled: list[int] = attrs.field(factory=list)
    buried: list[int] = attrs.field(factory=list)
    dropped: list[int] = attrs.field(factory=list)
    superseded: list[int] = attrs.field(factory=list)
    refused: int = 0
    closed: bool = False

    @property
    def lossy(self) -> bool:
        return self.policy in ("drop_oldest", "keep_latest")

    # Senders

    def tell(self, entry: Entry) -> str:
        """ "accepted", "full" or "stopped"."""
        if self.closed:
            return "stopped"
        if self.accepts(entry):
            return "accepted"
        self.refused += 1
        return "full"

    def send(self, entry: Entry) -> str:
        """ "accepted", "full", "stopped", or "waiting" for room."""
        if self.closed:
            return "stopped"
        if self.accepts(entry):
            return "accepted"
        if self.policy == "refuse":
            self.refused += 1
            return "full"
        self.senders.append(entry)
        return "waiting"

    def accepts(self, entry: Entry) -> bool:
        fresh = [other for other in self.queue if not other.handed]
        if self.policy == "keep_latest":
            for other in fresh:
                if other.key == entry.key:
                    self.superseded.append(other.number)
                    entry.since = other.since
                    self.queue[self.queue.index(other)] = entry
                    return True
        if len(fresh if self.lossy else self.queue) >= self.capacity:
            if self.policy != "drop_oldest":
                return False
            self.dropped.append(fresh[0].number)
            self.queue.remove(fresh[0])
        self.queue.append(entry)
        return True

    def admit(self, now: float) -> None:
        while self.senders:
            self.senders[0].since = now
            if not self.accepts(self.senders[0]):
                return
            self.senders.pop(0)

    # The reader

    def come(self, now: float) -> None:
        if self.got:
            self.acknowledge(1, now)

    def hand_out(self, limit: int, now: float) -> list[int]:
        if any(entry.suspect for entry in self.queue):
            limit = 1
        if self.lossy:
            limit = min(limit, self.capacity)
        batch = self.queue[:limit]
        for entry in batch:
            entry.handed = True
        self.in_hand = max(self.in_hand, len(batch))
        numbers = [entry.number for entry in batch]
        self.admit(now)
        return numbers

    def get(self, now: float) -> int:
        [number] = self.hand_out(1, now)
        self.got = True
        return number

    def acknowledge(self, count: int, now: float) -> None:
        self.handled += [entry.number for entry in self.queue[:count]]
        del self.queue[:count]
        self.in_hand -= count
        self.got = False
        self.admit(now)

    # The kernel

    def crash(self, now: float) -> None:
        if any(entry.suspect for entry in self.queue):
            if self.in_hand == 1:
                self.buried.append(self.queue.pop(0).number)
        else:
            for entry in self.queue[: self.in_hand]:
                entry.suspect = True
        self.kill()
        self.admit(now)

    def kill(self) -> None:
        self.in_hand = 0
        self.got = False

    def close(self) -> list[int]:
        """Whose senders hear of it."""
        self.closed = True
        turned_away, self.senders = self.senders, []
        return [entry.number for entry in turned_away]
