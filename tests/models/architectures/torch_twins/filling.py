"""Fills a PyTorch module at random, and our network with the same weights."""

from collections.abc import Mapping

import keras
import numpy as np
import pytest

from app.store.importers.torch_checkpoint import convert

torch = pytest.importorskip("torch", reason="PyTorch, for the twins, is not installed")


def filled(module: "torch.nn.Module", seed: int = 0, tag_gain: float = 1.0) -> "torch.nn.Module":
    """Give every weight and every running statistic another random value; for inference.

    Kernels keep the magnitude of their input. Normalisations change much, and each channel
    differently, so that a missing or misplaced one changes the result.

    Args:
        module: The module to change in place.
        seed: Of the random numbers.
        tag_gain: Factor of the kernel of the last layer: the output of a random network hardly
            depends on its input.
    """
    random = np.random.RandomState(seed)
    state = module.state_dict()
    for key, tensor in state.items():
        if tensor.is_floating_point():
            tensor.copy_(torch.from_numpy(_random(random, key, tuple(tensor.shape))))
    kernels = [tensor for tensor in state.values() if tensor.ndim > 1]
    for last in kernels[-1:]:
        last.mul_(tag_gain)
    return module.eval()


def settled(module: "torch.nn.Module", windows: np.ndarray, seed: int = 0) -> "torch.nn.Module":
    """Set the running statistics close to those of some windows, as training does.

    Otherwise the output of many random layers becomes so large, and so independent of the input,
    that all scores are 0 or 1. None of the statistics is exact.
    """
    random = np.random.RandomState(seed)
    norms = [
        each for each in module.modules() if isinstance(each, torch.nn.modules.batchnorm._BatchNorm)
    ]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # of all batches the mean: of the one
    module.train()
    twin_scores(module, windows)
    for norm in norms:
        channels = (norm.num_features,)
        deviation = norm.running_var.sqrt()
        norm.running_mean += (
            deviation * torch.from_numpy(random.uniform(-0.2, 0.2, channels)).float()
        )
        norm.running_var *= torch.from_numpy(random.uniform(0.7, 1.4, channels)).float()
    return module.eval()


def paired(
    module: "torch.nn.Module", network: keras.Model, layers: Mapping[str, str]
) -> keras.Model:
    """Fill our network with the module's weights, through the converter."""
    weights = {key: tensor.numpy() for key, tensor in module.state_dict().items()}
    wanted = {variable.path: tuple(variable.shape) for variable in network.weights}
    arrays = convert(weights, layers, wanted, "twin")
    for variable in network.weights:
        variable.assign(arrays[variable.path])
    return network


def twin_scores(module: "torch.nn.Module", windows: np.ndarray) -> np.ndarray:
    """What the module makes of windows as our network takes them: it lays them out itself."""
    with torch.inference_mode():
        scores: np.ndarray = module(torch.from_numpy(windows)).numpy()
    return scores


def assert_scores_differ(scores: np.ndarray) -> None:
    """Scores that are alike for all windows, or all tags, would agree whatever was wrong."""
    assert np.min(np.ptp(scores, axis=0)) > 0.003, "between windows, for each tag"
    assert np.median(np.ptp(scores, axis=0)) > 0.02, "between windows"
    assert np.max(np.ptp(scores, axis=1)) > 0.2, "between tags"


def _random(random: np.random.RandomState, key: str, shape: tuple[int, ...]) -> np.ndarray:
    if key.endswith("running_var"):
        values = random.uniform(0.5, 2.0, shape)
    elif key.endswith(("bias", "running_mean")) or "bias_" in key:
        values = random.uniform(-0.5, 0.5, shape)
    elif key.endswith("weight") and len(shape) == 1:  # a normalisation's
        values = random.uniform(0.7, 1.5, shape) * random.choice([-1, 1], shape)
    else:
        inputs = np.prod(shape[1:]) if len(shape) > 1 else 1
        values = random.standard_normal(shape) * np.sqrt(2 / inputs)
    return values.astype(np.float32)
