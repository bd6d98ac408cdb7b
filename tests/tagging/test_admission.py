"""Who gets a place, and what the others are told."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from app.audio.duration_estimate import COMPRESSED_BYTES_A_SECOND
from app.errors import Kind, RequestError
from app.headroom import V2, Headroom
from app.metrics import Metrics
from app.tagging.admission import MIN_WAITING, Admission, AdmissionLimits
from app.tagging.backlog import FIRST_PACE, Backlog

A_SECOND = FIRST_PACE
"""So much audio takes a second, before anything was heard."""

A_HALF = round(A_SECOND / 2 * COMPRESSED_BYTES_A_SECOND)
"""The bytes of half of that."""


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes, however slow the machine is."""
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    monkeypatch.setattr("app.tagging.admission.Backlog", partial(Backlog, lambda: 100.0))


def admission(folder: Path = Path("/nowhere"), max_in_flight: int = 100) -> Admission:
    return Admission(
        AdmissionLimits(max_in_flight, 2.0, 600.0, 1_000), Headroom(folder, V2), Metrics()
    )


def refusal(places: Admission, client: str) -> RequestError:
    with pytest.raises(RequestError) as raised, places.permit(client, 1):
        pass
    return raised.value


def test_a_free_service_accepts_however_much_the_first_upload_brings() -> None:
    with admission().permit("a", 1) as permit:
        permit.mark_received(100 * A_SECOND)


def test_uploads_that_begin_at_once_are_not_all_accepted() -> None:
    places = admission()
    with ExitStack() as held:
        for number in range(4):
            held.enter_context(places.permit(f"client {number}", A_HALF))
        assert refusal(places, "one more").kind is Kind.OVERLOADED


def test_where_too_much_waits_the_next_is_told_when_to_come_again() -> None:
    places = admission()
    with ExitStack() as held:
        for client in ("a", "c", "d", "e"):
            held.enter_context(places.permit(client, 1)).mark_received(A_SECOND)
        refused = refusal(places, "b")
        assert refused.kind is Kind.OVERLOADED
        assert refused.retry_after_s == pytest.approx(MIN_WAITING - 2, abs=0.2), "2 s may wait"
    with places.permit("b", 1):
        pass


def test_a_few_long_tracks_are_no_overload() -> None:
    places = admission()
    with ExitStack() as held:
        for _ in range(MIN_WAITING):
            held.enter_context(places.permit("a", 1)).mark_received(100 * A_SECOND)


def test_where_all_places_are_held_the_next_is_refused() -> None:
    places = admission(max_in_flight=2)
    with places.permit("a", 1), places.permit("b", 1):
        assert refusal(places, "c").kind is Kind.OVERLOADED
    assert not places.in_flight


def test_one_client_gets_half_of_the_places() -> None:
    places = admission(max_in_flight=6)
    with places.permit("b", 1), places.permit("a", 1), places.permit("a", 1), places.permit("a", 1):
        assert refusal(places, "a").kind is Kind.RATE_LIMITED
        with places.permit("b", 1):
            pass


def test_one_client_gets_half_of_the_backlog() -> None:
    places = admission()
    with places.permit("b", 1):
        pass
    with places.permit("a", 1) as permit:
        permit.mark_received(1.5 * A_SECOND)
        refused = refusal(places, "a")
        assert refused.kind is Kind.RATE_LIMITED
        assert refused.retry_after_s == pytest.approx(0.5, abs=0.1), "half of 2 s may be its own"
        with places.permit("b", 1):
            pass


def test_what_one_brought_beyond_his_share_keeps_no_other_out() -> None:
    places = admission()
    with ExitStack() as held:
        for _ in range(MIN_WAITING):
            held.enter_context(places.permit("a", 1)).mark_received(100 * A_SECOND)
        with places.permit("b", 1):
            assert refusal(places, "a").kind is Kind.RATE_LIMITED


def test_where_others_are_heard_in_turns_a_client_is_told_to_come_later() -> None:
    places = admission()
    with places.permit("b", 1) as others, places.permit("a", 1) as permit:
        others.mark_received(10 * A_SECOND)
        permit.mark_received(3 * A_SECOND)
        refused = refusal(places, "a")
        assert refused.retry_after_s == pytest.approx(2 * 2, abs=0.1)


def test_a_client_that_took_all_places_while_it_was_alone_shuts_no_other_out() -> None:
    places = admission(max_in_flight=8)
    with ExitStack() as held:
        for _ in range(8):
            held.enter_context(places.permit("a", 1))
        with places.permit("b", 1):
            assert refusal(places, "a").kind is Kind.RATE_LIMITED


def test_two_clients_beyond_their_shares_keep_no_third_one_out() -> None:
    places = admission()
    with ExitStack() as held:
        for permit in [held.enter_context(places.permit(client, 1)) for client in "abab"]:
            permit.mark_received(100 * A_SECOND)
        with places.permit("c", 1):
            pass


def test_what_a_header_says_counts_as_soon_as_it_is_read() -> None:
    places = admission()
    with places.permit("b", 1):
        pass
    with places.permit("a", 1) as permit:
        work = permit.mark_received(1.0)
        with places.permit("a", 1):
            pass
        work.read_header(2.5 * A_SECOND, 48_000, 2)
        refused = refusal(places, "a")
        assert refused.retry_after_s == pytest.approx(1.5, abs=0.2)
        work.decoded_s = 2 * A_SECOND
        with places.permit("a", 1):
            pass


def test_no_header_makes_a_track_longer_than_the_longest() -> None:
    places = admission()
    with places.permit("b", 1):
        pass
    with places.permit("a", 1) as permit:
        permit.mark_received(1.0).read_header(1e9, 48_000, 2)
        assert (refusal(places, "a").retry_after_s or 0) < 600 / A_SECOND


def test_who_is_alone_may_have_all() -> None:
    places = admission(max_in_flight=4)
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(places.permit("a", 1))
        assert refusal(places, "a").kind is Kind.OVERLOADED


def test_a_place_is_given_back_where_its_upload_fails() -> None:
    places = admission(max_in_flight=1)
    for _ in range(3):
        with pytest.raises(RequestError, match="gone"), places.permit("a", 1):
            raise RequestError(Kind.UNDECODABLE_AUDIO, "gone")


def test_a_service_that_is_about_to_end_accepts_nothing_and_keeps_what_it_has() -> None:
    places = admission()
    with places.permit("a", 1):
        places.close()
        assert refusal(places, "b").kind is Kind.NOT_READY
        assert places.in_flight == 1


@pytest.mark.parametrize(("usage", "accepted"), [(8_900, True), (9_100, False)])
def test_memory_that_runs_short_is_noticed_before_the_kernel_does(
    tmp_path: Path, usage: int, accepted: bool
) -> None:
    (tmp_path / "memory.max").write_text("10000\n")
    (tmp_path / "memory.current").write_text(f"{usage}\n")
    (tmp_path / "memory.stat").write_text("anon 5\nfile 7\ninactive_file 0\n")
    if accepted:
        with admission(tmp_path).permit("a", 1):
            pass
    else:
        assert refusal(admission(tmp_path), "a").kind is Kind.OVERLOADED


def test_files_that_are_only_cached_count_as_free_memory(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("10000\n")
    (tmp_path / "memory.current").write_text("9900\n")
    (tmp_path / "memory.stat").write_text("inactive_file 5000\n")
    assert Headroom(tmp_path, V2).free_bytes() == 5_100


def test_without_a_limit_there_is_always_memory(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("9900\n")
    (tmp_path / "memory.stat").write_text("inactive_file 5000\n")
    assert Headroom(tmp_path, V2).free_bytes() is None
