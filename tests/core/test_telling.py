"""Events that a source numbers itself: each once, what is missing said, and no message that cannot be read."""

from mission_control.core.events import Activity
from mission_control.core.liveness import Statement
from mission_control.core.ordering import MOST_HOLES
from mission_control.core.signals import LinkDown, LinkUp, Unusable
from mission_control.core.told_messages import LONGEST_TEXT, OPEN_MESSAGES
from tests.core.told import Followed, Reading, activity, chunk, final


class TestPlaces:
    """Which of the source's events an event is."""

    def test_events_go_on_as_they_are(self) -> None:
        """Under the source's ids and in its order, after the agent was announced once."""
        followed = Followed().tell(activity("run.started"), activity(), activity("run.finished"))
        assert followed.ids() == ["1", "2", "3"]
        assert [one.kind for one in followed.activities("agent.")] == ["agent.added"]
        assert followed.position is not None
        assert (followed.position.sequence, followed.position.missing) == (3, ())

    def test_a_source_may_announce_its_agent_itself(self) -> None:
        """Then its name is the source's, and nothing is announced twice."""
        added = Activity("agent.added", "Agent added", detail={"name": "Support"})
        followed = Followed().tell(added, activity(), Activity("agent.removed", "gone")).wait(1)
        assert len(followed.activities("agent.added")) == 1
        assert [view.name for view in followed.projection.agents.values()] == ["Support"]
        assert followed.statuses()[-1] == ("offline", "removed from the gateway")
        assert followed.crash().told(4).wait(1).statuses()[-1] == ("offline", "removed from the gateway")

    def test_a_hole_is_one_gap_that_names_it(self) -> None:
        """The event after the hole follows the gap, and the stream goes on."""
        followed = Followed().told(1).told(5).told(6).told(8)
        assert (followed.ids(), followed.gaps()) == (["1", "5", "6", "8"], [(2, 4), (7, 7)])
        gap = followed.activities("stream.gap")[0]
        assert gap.detail == {"from_sequence": 2, "to_sequence": 4, "missing": 3}
        assert gap.title == "Not received from its source: events 2 to 4"

    def test_an_event_that_comes_after_its_gap_is_journaled_once(self) -> None:
        """It stands behind what followed it, and a repair names it; the rest of its hole stays missing."""
        followed = Followed().told(1).told(4).told(3).told(3).crash().told(3).told(2).crash().told(2)
        assert (followed.ids(), followed.repairs()) == (["1", "4", "3", "2"], [(3, 3), (2, 2)])
        assert followed.position is not None
        assert (followed.position.sequence, followed.position.missing) == (4, ())

    def test_what_was_before_our_time_is_no_gap_and_not_lost(self) -> None:
        """The first event of an agent may have any number; an earlier one that comes later is taken all the same."""
        followed = Followed().told(40).told(41).told(39)
        assert (followed.ids(), followed.gaps(), followed.repairs()) == (["40", "41", "39"], [], [(39, 39)])

    def test_what_a_source_would_have_told_from_the_first_on_is_missed(self) -> None:
        """An agent that began while a source that can resume was connected was heard from its second event on."""
        followed = Followed().told(2, from_first=True).told(3, from_first=True)
        assert (followed.ids(), followed.gaps()) == (["2", "3"], [(1, 1)])
        assert followed.told(1, from_first=True).repairs() == [(1, 1)]

    def test_a_successor_knows_what_was_there(self) -> None:
        """After a crash, repetitions are recognised by their numbers or, of an uncertain source, by the journal."""
        for boot in ("boot", None):
            followed = Followed().told(1, boot=boot).told(2, boot=boot).crash()
            followed.told(2, boot=boot).told(1, boot=boot).told(3, boot=boot)
            assert followed.ids() == ["1", "2", "3"]
            assert followed.activities("stream.") == []

    def test_a_new_boot_is_a_new_life(self) -> None:
        """Its numbers mean other events, from the first on."""
        followed = Followed().told(1, boot="a").told(2, boot="a").told(1, boot="b", name="b")
        followed.told(2, boot="b", name="b").told(2, boot="b", name="again")
        assert followed.ids() == ["1", "2", "b1", "b2"]
        assert [one.title for one in followed.activities("stream.")] == ["Its source started over after event 2"]

    def test_a_new_name_under_an_old_number_is_a_new_life(self) -> None:
        """A source that does not name its boots is told apart by its ids: nothing new is taken for a repetition."""
        followed = Followed().told(1).told(2).told(3).crash().told(1, name="b").told(2, name="b")
        assert followed.ids() == ["1", "2", "3", "b1", "b2"]
        assert [one.kind for one in followed.activities("stream.")] == ["stream.restarted"]
        assert followed.gaps() == []

    def test_what_a_new_life_lost_is_a_gap(self) -> None:
        """We were there, so what is missing of it is missing."""
        followed = Followed().told(9, boot="a").told(4, boot="b", name="b")
        assert [one.kind for one in followed.activities("stream.")] == ["stream.restarted", "stream.gap"]
        assert followed.gaps() == [(1, 3)]

    def test_repeating_two_lives_changes_nothing(self) -> None:
        """A source that sends all of its past again, boots or not, is recognised."""
        followed = Followed()
        for _ in range(2):
            followed.told(1, boot="a").told(2, boot="a").told(1, boot="b", name="b").crash()
        assert followed.ids() == ["1", "2", "b1"]
        assert len(followed.activities("stream.restarted")) == 1

    def test_a_new_life_ends_what_the_old_one_had_open(self) -> None:
        """Its messages are interrupted and its runs failed: nothing seems to go on that cannot."""
        followed = Followed().tell(activity("run.started", "run-m"), chunk("m", 0, "Hel"))
        followed.told(1, chunk("n", 0, "Bye"), boot="b", name="b")
        assert followed.reader.messages == {
            "src/alpha/m": Reading("Hel", 1, "interrupted"),
            "src/alpha/n": Reading("Bye", 1),
        }
        (view,) = followed.projection.agents.values()
        assert (view.runs, view.counters.failures) == ([], 1)

    def test_holes_are_remembered_up_to_a_bound(self) -> None:
        """A source that loses every other event costs no more than the newest holes."""
        followed = Followed()
        for sequence in range(1, 2 * MOST_HOLES + 60, 2):
            followed.told(sequence)
        assert followed.position is not None
        assert len(followed.position.missing) == MOST_HOLES

    def test_a_wrong_clock_is_told_once_in_a_life(self) -> None:
        """The operator learns of it, and the order is not touched."""
        followed = Followed().told(1, skew_ms=3_600_000).told(2, skew_ms=3_600_000).crash()
        followed.told(3, skew_ms=3_600_000).told(1, name="b", skew_ms=-5_000_000)
        titles = [one.title for one in followed.activities("stream.clock_skew")]
        assert titles == [
            "Its source's clock is 3600 s ahead of ours: times of arrival are shown instead",
            "Its source's clock is 5000 s behind ours: times of arrival are shown instead",
        ]

    def test_a_rejected_event_leaves_its_reason_in_its_place(self) -> None:
        """It is no gap, and it is not asked for again."""
        followed = Followed().told(1).told(2, Unusable("heartbeat", "no status")).crash().told(2).told(3)
        assert (followed.ids(), followed.gaps()) == (["1", "2", "3"], [])
        (rejected,) = followed.activities("stream.rejected")
        assert rejected.title == "Event 2 of its source was rejected: no status"


class TestMessages:
    """Whatever a source sends, the reader can read it."""

    def test_chunks_and_final(self) -> None:
        """Where a chunk goes and how many there were is worked out here."""
        followed = Followed().tell(chunk("m", 0, "Hel"), chunk("m", 1, "lo 😀"), chunk("m", 2, "!"))
        followed.told(4, final("m", "Hello 😀!"))
        assert followed.reader.messages == {"src/alpha/m": Reading("Hello 😀!", 3, "complete")}

    def test_a_lost_chunk_is_made_up_for_by_the_final(self) -> None:
        """What cannot be placed is not shown; the final's text comes whole, through one more chunk."""
        followed = Followed().told(1, chunk("m", 0, "Hel")).told(3, chunk("m", 2, "wor")).told(4, chunk("m", 3, "ld"))
        assert followed.reader.messages == {"src/alpha/m": Reading("Hel", 1)}
        followed.told(5, final("m", "Hello, world"))
        assert followed.reader.messages == {"src/alpha/m": Reading("Hello, world", 2, "complete")}
        late = followed.told(2, chunk("m", 1, "lo, "))
        assert late.reader.messages == {"src/alpha/m": Reading("Hello, world", 2, "complete")}
        assert late.repairs() == [(2, 2)]

    def test_a_late_chunk_lets_its_message_go_on(self) -> None:
        """What waited for it follows, under its own ids."""
        followed = Followed().told(1, chunk("m", 0, "Hel")).told(3, chunk("m", 2, "wor")).told(4, chunk("m", 3, "ld"))
        followed.told(2, chunk("m", 1, "lo, "))
        assert (followed.ids(), followed.repairs()) == (["1", "2", "3", "4"], [(2, 2)])
        assert followed.reader.messages == {"src/alpha/m": Reading("Hello, world", 4)}

    def test_a_message_joined_in_the_middle_shows_with_its_final(self) -> None:
        """Its beginning is not known, so that no client could place its text."""
        followed = Followed().told(7, chunk("m", 3, "ld")).crash().told(8, chunk("m", 4, "!"))
        assert followed.reader.messages == {}
        followed.told(9, final("m", "Hello, world!"))
        assert followed.reader.messages == {"src/alpha/m": Reading("Hello, world!", 0, "complete")}

    def test_a_successor_goes_on_with_an_open_message(self) -> None:
        """The text so far comes from the journal."""
        followed = Followed().told(1, chunk("m", 0, "Hel")).crash().told(2, chunk("m", 1, "lo"))
        followed.crash().told(3, final("m", "Hello"))
        assert followed.reader.messages == {"src/alpha/m": Reading("Hello", 2, "complete")}

    def test_a_final_that_contradicts_its_chunks_stands_beside_them(self) -> None:
        """What was shown is never taken back."""
        followed = Followed().tell(chunk("m", 0, "Hello"), final("m", "Bye"))
        assert followed.reader.messages == {
            "src/alpha/m": Reading("Hello", 1, "interrupted"),
            "src/alpha/m+": Reading("Bye", 0, "complete"),
        }

    def test_an_unfinished_end_keeps_what_was_shown(self) -> None:
        """An aborted message has the text that was seen of it, and more if its source has more."""
        followed = Followed().tell(chunk("m", 0, "Hel"), final("m", "", "aborted"), chunk("n", 0, "B"))
        followed.told(4, final("n", "Bye", "error"))
        assert followed.reader.messages == {
            "src/alpha/m": Reading("Hel", 1, "aborted"),
            "src/alpha/n": Reading("Bye", 2, "error"),
        }

    def test_what_comes_after_the_end_or_again_is_rejected(self) -> None:
        """With the reason, in its place."""
        followed = Followed().tell(chunk("m", 0, "a"), chunk("m", 0, "b"), final("m", "a"), final("m", "c"))
        followed.told(5, chunk("m", 1, "d"))
        assert followed.reader.messages == {"src/alpha/m": Reading("a", 1, "complete")}
        assert [one.title.partition("rejected: ")[2] for one in followed.activities("stream.rejected")] == [
            "chunk 0 of its message was there already",
            "its message has ended already",
            "its message has ended",
        ]

    def test_a_message_without_end_does_not_grow_without_bound(self) -> None:
        """It is cut where it becomes too long."""
        half = "x" * (LONGEST_TEXT // 2 + 1)
        followed = Followed().tell(chunk("m", 0, half), chunk("m", 1, half), chunk("m", 2, "x"))
        assert followed.reader.messages["src/alpha/m"].state == "interrupted"
        waiting = Followed().tell(chunk("m", 1, half), chunk("m", 2, half), chunk("m", 0, "x"))
        assert waiting.reader.messages == {}

    def test_messages_without_end_do_not_add_up_without_bound(self) -> None:
        """The oldest makes room for the newest."""
        followed = Followed().tell(*(chunk(f"m{number}", 0, "x") for number in range(OPEN_MESSAGES + 2)))
        states = [message.state for message in followed.reader.messages.values()]
        assert states == ["interrupted"] * 2 + ["streaming"] * OPEN_MESSAGES


class TestRunsAndStatus:
    """An agent's status is what its source says of it, or else what its link and runs show."""

    def test_without_a_word_of_the_source_the_runs_tell(self) -> None:
        """A stalled and a failed run degrade their agent, as everywhere."""
        followed = Followed().tell(activity("run.started"), chunk("m", 0, "x")).wait(61_000)
        assert followed.statuses()[-1] == ("degraded", "its run has made no progress for 61 s")
        followed.tell(activity("run.failed"), first=3)
        assert followed.statuses()[-1] == ("degraded", "its last run failed: run.failed")
        followed.tell(activity("run.started"), activity("run.finished"), first=4)
        assert followed.statuses()[-1][0] == "online"

    def test_the_source_says_how_its_agent_is(self) -> None:
        """A change is journaled under the source's id, a mere beat passes at most once in 5 s and is not."""
        hot = Statement("degraded", "too hot")
        followed = Followed().told(1).told(2, hot).told(3, hot)
        assert (followed.ids(), followed.statuses()[-1]) == (["1", "2"], ("degraded", "too hot"))
        assert followed.position is not None
        assert followed.position.sequence == 3
        followed.now += 6_000
        followed.told(4, Statement("degraded", "still"))
        assert [beat.reason for beat in followed.beats][-1:] == ["still"]
        assert followed.told(5, Statement("online", "cool")).statuses()[-1] == ("online", "cool")

    def test_what_the_source_said_outlives_a_crash_and_a_lost_link(self) -> None:
        """While the link is down the agent is offline whatever was said; then what was said counts again."""
        followed = Followed().told(1, Statement("degraded", "too hot")).crash().wait(6_000)
        assert followed.statuses() == [("degraded", "too hot")]
        followed.take(LinkDown(followed.now, "cut")).wait(16_000)
        assert followed.statuses()[-1][0] == "offline"
        assert followed.take(LinkUp(followed.now, 1)).statuses()[-1] == ("degraded", "too hot")

    def test_a_beat_under_the_last_number_is_no_event(self) -> None:
        """So the events of another Mission Control can be passed on as they are."""
        followed = Followed().told(1).told(1, Statement("degraded", "hot"), name="b").told(1, Statement("online", "ok"))
        assert followed.statuses()[-1] == ("degraded", "hot")
        assert (followed.told(2).ids(), followed.activities("stream.")) == (["1", "b1", "2"], [])

    def test_an_old_or_late_beat_says_nothing(self) -> None:
        """How an agent was is not how it is."""
        followed = Followed().told(1).told(4, Statement("online", "ok")).told(2, Statement("offline", "old"))
        followed.told(1, Statement("offline", "older"), name="b")
        assert followed.statuses()[-1][0] == "online"
        assert (followed.repairs(), followed.activities("stream.restarted")) == ([(2, 2)], [])

    def test_a_run_whose_start_comes_after_its_end_is_over(self) -> None:
        """Also when its agent's actor was made anew in between."""
        followed = Followed().told(1).told(3, activity("run.failed")).crash().told(2, activity("run.started"))
        (view,) = followed.projection.agents.values()
        assert (view.runs, view.counters.runs) == ([], 1)
        assert [one.kind for one in followed.activities("run.")] == ["run.failed", "run.started", "run.failed"]

    def test_runs_of_one_session_do_not_end_each_other(self) -> None:
        """A source says itself when a run is over; a successor takes them as they are."""
        followed = Followed().tell(activity("run.started", "a"), activity("run.started", "b")).crash().wait(20_000)
        (view,) = followed.projection.agents.values()
        assert [run.run_id for run in view.runs] == ["a", "b"]
