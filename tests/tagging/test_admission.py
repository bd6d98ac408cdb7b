"""Accepted uploads, and the retry times of refused ones."""

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
"""Seconds of audio analysed per second, before the first track."""

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


def test_an_idle_service_accepts_a_first_upload_of_any_size() -> None:
    with admission().permit("a", 1) as permit:
        permit.mark_received(100 * A_SECOND)


def test_each_track_of_an_upload_is_work_but_only_one_permit_is_held() -> None:
    places = admission()
    with places.permit("a", 1) as permit, ExitStack() as tracks:
        permit.mark_received(A_SECOND)
        for _ in range(3):
            tracks.enter_context(permit.next_track()).mark_received(A_SECOND)
        assert places.in_flight == 1
        assert refusal(places, "a").kind is Kind.OVERLOADED
        tracks.close()
        with places.permit("a", 1):
            assert places.in_flight == 2


def test_uploads_that_begin_at_once_are_not_all_accepted() -> None:
    places = admission()
    with ExitStack() as held:
        for number in range(4):
            held.enter_context(places.permit(f"client {number}", A_HALF))
        assert refusal(places, "one more").kind is Kind.OVERLOADED


def test_an_upload_over_the_backlog_limit_is_refused_with_a_retry_time() -> None:
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


def test_an_upload_is_refused_if_all_permits_are_held() -> None:
    places = admission(max_in_flight=2)
    with places.permit("a", 1), places.permit("b", 1):
        assert refusal(places, "c").kind is Kind.OVERLOADED
    assert not places.in_flight


def test_one_client_gets_half_of_the_permits() -> None:
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


def test_work_of_a_client_beyond_its_share_keeps_no_other_out() -> None:
    places = admission()
    with ExitStack() as held:
        for _ in range(MIN_WAITING):
            held.enter_context(places.permit("a", 1)).mark_received(100 * A_SECOND)
        with places.permit("b", 1):
            assert refusal(places, "a").kind is Kind.RATE_LIMITED


def test_the_retry_time_accounts_for_turns_with_other_clients() -> None:
    places = admission()
    with places.permit("b", 1) as others, places.permit("a", 1) as permit:
        others.mark_received(10 * A_SECOND)
        permit.mark_received(3 * A_SECOND)
        refused = refusal(places, "a")
        assert refused.retry_after_s == pytest.approx(2 * 2, abs=0.1)


def test_a_client_that_took_all_permits_while_alone_keeps_no_other_out() -> None:
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


def test_the_duration_in_a_header_counts_as_soon_as_it_is_read() -> None:
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


def test_the_duration_in_a_header_is_capped_at_the_longest_track() -> None:
    places = admission()
    with places.permit("b", 1):
        pass
    with places.permit("a", 1) as permit:
        permit.mark_received(1.0).read_header(1e9, 48_000, 2)
        assert (refusal(places, "a").retry_after_s or 0) < 600 / A_SECOND


def test_a_single_client_may_use_everything() -> None:
    places = admission(max_in_flight=4)
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(places.permit("a", 1))
        assert refusal(places, "a").kind is Kind.OVERLOADED


def test_a_permit_is_released_when_its_upload_fails() -> None:
    places = admission(max_in_flight=1)
    for _ in range(3):
        with pytest.raises(RequestError, match="gone"), places.permit("a", 1):
            raise RequestError(Kind.UNDECODABLE_AUDIO, "gone")


def test_a_draining_service_accepts_nothing_and_finishes_its_uploads() -> None:
    places = admission()
    with places.permit("a", 1):
        places.close()
        assert refusal(places, "b").kind is Kind.NOT_READY
        assert places.in_flight == 1


@pytest.mark.parametrize(("usage", "accepted"), [(8_900, True), (9_100, False)])
def test_low_memory_is_detected_before_the_kernel_kills(
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


def test_stereo_needs_twice_the_memory(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("10000\n")
    (tmp_path / "memory.current").write_text("8500\n")
    (tmp_path / "memory.stat").write_text("inactive_file 0\n")
    places = admission(tmp_path)
    with places.permit("a", 1):
        pass
    places.channels = 2
    assert refusal(places, "a").kind is Kind.OVERLOADED


def test_the_page_cache_counts_as_free_memory(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("10000\n")
    (tmp_path / "memory.current").write_text("9900\n")
    (tmp_path / "memory.stat").write_text("inactive_file 5000\n")
    assert Headroom(tmp_path, V2).free_bytes() == 5_100


def test_without_a_limit_memory_is_always_available(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("9900\n")
    (tmp_path / "memory.stat").write_text("inactive_file 5000\n")
    assert Headroom(tmp_path, V2).free_bytes() is None
