"""k1c2, k2c1 and k2c2 of Choi et al. 2017; no weights were released, so the keys are our names."""

from collections.abc import Sequence

from tests.models.architectures.torch_twins.fcn import image
from tests.models.architectures.torch_twins.filling import torch

nn, functional = torch.nn, torch.nn.functional

BINS = 96


class Elu(nn.Module):
    """`conv_1` ..., `hidden_1` ..., each with a normalisation, and `tags`; (bins, frames)."""

    def __init__(
        self,
        channels: Sequence[int],
        kernels: Sequence[tuple[int, int]],
        pools: Sequence[tuple[int, int]],
        features: int,
        hidden: Sequence[int],
        n_tags: int,
    ) -> None:
        super().__init__()
        self.pools, self.hidden = pools, len(hidden)
        self.input_bn = nn.BatchNorm2d(1)
        before = 1
        for number, (after, kernel) in enumerate(zip(channels, kernels, strict=True), start=1):
            self.add_module(f"conv_{number}", nn.Conv2d(before, after, kernel))
            self.add_module(f"conv_{number}_bn", nn.BatchNorm2d(after))
            before = after
        for number, units in enumerate(hidden, start=1):
            self.add_module(f"hidden_{number}", nn.Linear(features, units))
            self.add_module(f"hidden_{number}_bn", nn.BatchNorm1d(units))
            features = units
        self.tags = nn.Linear(features, n_tags)

    def forward(self, windows: "torch.Tensor") -> "torch.Tensor":
        x = self.input_bn(image(windows))
        for number, pool in enumerate(self.pools, start=1):
            conv = self.get_submodule(f"conv_{number}")
            x = conv(functional.pad(x, padding(*conv.kernel_size)))
            x = functional.elu(self.get_submodule(f"conv_{number}_bn")(x))
            x = functional.max_pool2d(x, pool)
        x = x.permute(0, 3, 2, 1).flatten(1)  # as in Keras: frames, bins, channels
        for number in range(1, self.hidden + 1):
            x = self.get_submodule(f"hidden_{number}")(x)
            x = functional.elu(self.get_submodule(f"hidden_{number}_bn")(x))
        return self.tags(x).sigmoid()


def padding(height: int, length: int) -> tuple[int, int, int, int]:
    """Before and behind, of frames and then of bins; a filter over all bins has none there."""
    bins = (height - 1) // 2 if height < BINS else 0
    return (length - 1) // 2, length // 2, bins, bins


class K1C2(Elu):
    def __init__(self, n_tags: int) -> None:
        pools = [(1, each) for each in (4, 5, 8, 8)]
        super().__init__((47, 47, 95, 95), [(1, 4)] * 4, pools, BINS * 95, (95, 95), n_tags)


class K2C1(Elu):
    def __init__(self, n_tags: int) -> None:
        kernels = [(BINS, 4), *[(1, 4)] * 4]
        pools = [(1, each) for each in (4, 4, 4, 4, 5)]
        super().__init__((152, 152, 152, 304, 304), kernels, pools, 304, (304, 304), n_tags)

    def state_dict(self, *args: object, **kwargs: object) -> dict[str, "torch.Tensor"]:
        """With convolutions of one dimension, as ours: a filter's bins are its input channels."""
        state = super().state_dict(*args, **kwargs)
        return {
            key: tensor.flatten(1, 2) if tensor.ndim == 4 else tensor
            for key, tensor in state.items()
        }


class K2C2(Elu):
    def __init__(self, n_tags: int) -> None:
        pools = ((2, 4), (2, 4), (2, 4), (3, 5), (4, 4))
        super().__init__((67, 135, 135, 203, 271), [(3, 3)] * 5, pools, 271, (), n_tags)
