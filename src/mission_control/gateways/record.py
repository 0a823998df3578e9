"""What is counted and kept of one gateway, for ``/metrics`` and ``mission-control doctor``."""

from attrs import Factory, define, frozen

from mission_control.gateways.asked import Asked
from mission_control.gateways.oddities import Oddities


@frozen
class RecordStatistics:
    """What was asked of the gateway, and what it said that was not understood or said before, since the start."""

    requests: int
    unknown_frames: int
    malformed_frames: int
    oversized_frames: int = 0
    repeated_frames: int = 0
    missing_frames: int = 0


@define
class Record:
    """Dialects write it. It outlives them, so that what made one crash is there afterwards."""

    asked: Asked = Factory(Asked)
    odd: Oddities = Factory(Oddities)
    repeated: int = 0
    missing: int = 0

    def statistics(self) -> RecordStatistics:
        return RecordStatistics(
            requests=self.asked.totals.total(),
            unknown_frames=self.odd.unknown,
            malformed_frames=self.odd.malformed,
            oversized_frames=self.odd.oversized,
            repeated_frames=self.repeated,
            missing_frames=self.missing,
        )
