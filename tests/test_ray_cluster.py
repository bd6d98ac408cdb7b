"""A Ray cluster that can't be used: the error says which and why."""

import socket
import sys

import pytest

from app.errors import SetupError
from app.ray_cluster import connected


@pytest.mark.parametrize("by_setting", [False, True])
def test_a_cluster_that_does_not_answer_is_named(
    by_setting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as bound:  # nothing accepts connections to it
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        if by_setting:
            monkeypatch.setenv("RAY_ADDRESS", address)
        with (
            pytest.raises(SetupError, match=f"{address}: the Ray cluster does not answer"),
            connected("auto" if by_setting else address),
        ):
            pass


def test_without_ray_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SetupError, match=r"pip install 'taggram\[ray\]'"), connected(None):
        pass
