"""No link in a store that came from elsewhere reaches a file outside."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain import ModelRef
from app.errors import SetupError
from app.store.storage.store import Store


def remove(store: Store) -> None:
    store.remove(ModelRef("tiny", "1"))


def write(store: Store) -> None:
    store.write("tiny/diary.txt", b"overwritten")


@pytest.mark.parametrize("act", [remove, write])
def test_a_link_in_a_model_store_is_not_written_or_deleted_through(
    act: Callable[[Store], None], precious: Path, received: Path
) -> None:
    (precious.parent / "1").mkdir()
    (received / "tiny").symlink_to(precious.parent)
    with pytest.raises(SetupError, match="a link leads out of"):
        act(Store(received))
    assert (precious.parent / "1").exists()
    assert precious.read_text() == "mine"
