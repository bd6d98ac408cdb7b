"""Without the device file of a GPU's driver, TensorFlow is not asked for GPUs."""

from pathlib import Path

import pytest

from app.inference import gpus, tensorflow_engine


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of device files."""
    monkeypatch.setattr(gpus, "_DEVICE_FOLDER", tmp_path)
    return tmp_path


def test_without_a_device_file_there_is_no_gpu(
    devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorflow_engine, "has_gpu", lambda: pytest.fail("it was asked"))
    (devices / "nvidia-modeset").touch()

    assert not gpus.has_gpu()


@pytest.mark.parametrize("name", ["nvidia0", "nvidiactl", "kfd", "dxg"])
@pytest.mark.parametrize("found", [True, False])
def test_with_a_device_file_tensorflow_decides(
    name: str, found: bool, devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorflow_engine, "has_gpu", lambda: found)
    (devices / name).touch()

    assert gpus.has_gpu() == found
