import mmap
import os

import numpy as np
import pytest

from app.audio.worker.shared_samples import SharedSamples, map_samples


def test_data_written_through_the_descriptor_is_read_without_a_copy():
    with SharedSamples(1_000) as memory:
        theirs = map_samples(memory.descriptor)
        assert len(theirs) == len(memory.samples) == 1_000
        assert not np.any(memory.samples)

        theirs[10:20] = 0.5

        np.testing.assert_array_equal(memory.samples[10:20], np.full(10, 0.5, np.float32))


def test_samples_of_two_channels_are_shared():
    with SharedSamples(1_000, channels=2) as memory:
        theirs = map_samples(memory.descriptor, channels=2)

        theirs[10:20] = 0.5, -0.5

        assert memory.samples.shape == (1_000, 2)
        np.testing.assert_array_equal(memory.samples[10:20], np.tile([0.5, -0.5], (10, 1)))


@pytest.mark.parametrize("samples", [0, 999, 1_001, 10**6])
def test_the_memory_can_neither_shrink_nor_grow(samples: int):
    with SharedSamples(1_000) as memory:
        with pytest.raises(PermissionError):
            os.ftruncate(memory.descriptor, 4 * samples)

        assert os.fstat(memory.descriptor).st_size == 4_000
        assert memory.samples[-1] == 0


def test_unwritten_memory_is_not_allocated():
    with SharedSamples(2**26) as memory:
        memory.samples[:1_000] = 1

        assert os.fstat(memory.descriptor).st_blocks * 512 <= 2 * mmap.PAGESIZE


def test_the_descriptor_is_closed_with_the_block_and_no_program_inherits_it():
    with SharedSamples(1_000) as memory:
        assert not os.get_inheritable(memory.descriptor)

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(memory.descriptor)
