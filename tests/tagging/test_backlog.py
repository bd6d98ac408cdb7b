"""The time that the backlog will take, at the pace of the last uploads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tagging.backlog import FIRST_PACE, JUST_BEGUN_S, LONGEST_PAUSE_S, OVERHEAD_S, Backlog, Item


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def waiting(backlog: Backlog, audio_s: float, client: str = "a") -> Item:
    item = backlog.add(client, 1.0, 1)
    backlog.mark_received(item, audio_s - OVERHEAD_S)
    return item


def finish_track(backlog: Backlog, clock: Clock, audio_s: float, seconds: float) -> None:
    item = waiting(backlog, audio_s)
    clock.now += seconds
    backlog.mark_analysed(item)
    backlog.remove(item)


def test_the_backlog_is_empty_at_first() -> None:
    assert Backlog().seconds() == 0


def test_before_the_first_track_the_initial_pace_counts() -> None:
    backlog = Backlog()
    waiting(backlog, 3 * FIRST_PACE)
    assert backlog.seconds() == pytest.approx(3)


@pytest.mark.parametrize("pace", [20.0, 100.0, 1e4])
def test_the_pace_is_measured_from_finished_uploads(pace: float) -> None:
    clock = Clock()
    backlog = Backlog(clock)
    for _ in range(80):
        finish_track(backlog, clock, 60, 60 / pace)
    waiting(backlog, 300)
    assert backlog.seconds() == pytest.approx(300 / pace, rel=0.05)


def test_concurrent_uploads_drain_together() -> None:
    clock = Clock()
    backlog = Backlog(clock)
    for _ in range(80):
        together = [waiting(backlog, 60) for _ in range(4)]
        clock.now += 1.0
        for item in together:
            backlog.mark_analysed(item)
            backlog.remove(item)
    waiting(backlog, 240)
    assert backlog.seconds() == pytest.approx(1, rel=0.2)


def test_idle_time_does_not_change_the_pace() -> None:
    clock = Clock()
    backlog = Backlog(clock)
    for _ in range(80):
        finish_track(backlog, clock, 60, 1.0)
        clock.now += 3_600
    waiting(backlog, 60)
    assert backlog.seconds() == pytest.approx(1, rel=0.05)


def test_a_long_time_without_a_valid_track_is_soon_forgotten() -> None:
    """As under a stream of unreadable files: the next valid tracks must not be charged."""
    clock = Clock()
    backlog = Backlog(clock)
    hostile = waiting(backlog, 1, "hostile")
    clock.now += 3_600
    finish_track(backlog, clock, 60, 0.1)
    backlog.remove(hostile)
    waiting(backlog, 60)
    assert backlog.seconds() < LONGEST_PAUSE_S


def test_time_spent_on_refused_tracks_counts_towards_the_pace() -> None:
    clock = Clock()
    backlog = Backlog(clock)
    for _ in range(80):
        refused = waiting(backlog, 60)
        clock.now += 6.0
        refused.work.decoded_s = 60 - OVERHEAD_S
        backlog.remove(refused)
    waiting(backlog, 60)
    assert backlog.seconds() == pytest.approx(6, rel=0.05)


def test_a_valid_track_is_not_charged_for_earlier_time() -> None:
    clock = Clock()
    backlog = Backlog(clock)
    stuck = waiting(backlog, 60, "stuck")
    clock.now += LONGEST_PAUSE_S
    finish_track(backlog, clock, 60, 0.3)
    backlog.remove(stuck)
    waiting(backlog, FIRST_PACE)
    assert backlog.seconds() == pytest.approx(1, rel=0.1)


def test_a_client_whose_headers_lie_is_doubted_until_they_are_honest_again() -> None:
    clock = Clock()
    backlog = Backlog(clock)
    lying = [waiting(backlog, 12, "a") for _ in range(2)]
    honest = waiting(backlog, 12, "b")
    clock.now += 1.0
    lying[0].work.decoded_s = 240 - OVERHEAD_S
    backlog.remove(lying[0])
    assert backlog.seconds("a") == pytest.approx(20 * backlog.seconds("b"))
    for item in (lying[1], honest):
        backlog.remove(item)
    for _ in range(100):
        item = waiting(backlog, 12, "a")
        backlog.mark_analysed(item)
        backlog.remove(item)
    waiting(backlog, 12, "a")
    waiting(backlog, 12, "b")
    assert backlog.seconds("a") == pytest.approx(backlog.seconds("b"), rel=0.01)


def test_what_is_decoded_and_inferred_waits_no_more() -> None:
    backlog = Backlog()
    item = waiting(backlog, FIRST_PACE)
    item.work.decoded_s = FIRST_PACE / 2
    assert backlog.seconds() == pytest.approx(0.5)
    item.work.inferred_share = lambda: 0.0
    assert backlog.seconds() == pytest.approx(1)


def test_cancelled_tracks_leave_the_backlog_without_changing_the_pace() -> None:
    backlog = Backlog()
    for _ in range(10):
        backlog.remove(waiting(backlog, 60))
    assert backlog.seconds() == 0
    waiting(backlog, FIRST_PACE)
    assert backlog.seconds() == pytest.approx(1)


def test_a_starting_upload_counts_only_briefly() -> None:
    clock = Clock()
    backlog = Backlog(clock)
    stalled = backlog.add("a", FIRST_PACE - OVERHEAD_S, 1_000)
    assert backlog.seconds() == pytest.approx(1)
    clock.now += 2 * JUST_BEGUN_S
    assert backlog.seconds() == 0
    backlog.mark_received(stalled, 2 * FIRST_PACE - OVERHEAD_S)
    assert backlog.seconds() == pytest.approx(2)


@pytest.mark.parametrize(("arrived", "is_work"), [(900, True), (400, False), (0, False)])
def test_an_upload_counts_if_it_will_soon_be_complete_at_its_rate(
    arrived: int, is_work: bool
) -> None:
    clock = Clock()
    backlog = Backlog(clock)
    item = backlog.add("a", 100.0, 1_000)
    clock.now += 1.0
    item.received_bytes = arrived
    assert (backlog.seconds() > 0) == is_work


def test_many_short_tracks_do_not_distort_the_pace_of_long_ones() -> None:
    clock = Clock()
    backlog = Backlog(clock)
    for _ in range(200):
        finish_track(backlog, clock, OVERHEAD_S + 0.6, 0.03)
    waiting(backlog, OVERHEAD_S + 300)
    assert backlog.seconds() < 2


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(10, 600)), max_size=30))
def test_the_clients_shares_sum_to_the_backlog(uploads: list[tuple[str, float]]) -> None:
    backlog = Backlog()
    items = [waiting(backlog, audio_s, client) for client, audio_s in uploads]
    parts = sum(backlog.seconds(client) for client in "abc")
    assert parts == pytest.approx(backlog.seconds())
    for item in items:
        backlog.remove(item)
    assert backlog.seconds() == 0
