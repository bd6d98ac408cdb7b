"""The sample-level networks: those of Won et al. and CLMR's by the keys of their checkpoints.

Those of Kim et al. and Lee & Nam were never released for PyTorch, so their keys are ours: the
`*_LAYERS` say how they go with the names of our layers.
"""

from collections.abc import Sequence
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="PyTorch, for the twins, is not installed")
nn = torch.nn

WIDTHS = (128, 128, 128, 256, 256, 256, 256, 256, 256, 512)
KERAS = {"eps": 1e-3}
"""Keras's default epsilon of normalisations."""


class Convolved(nn.Module):
    """Keys `conv.*` and `bn.*`."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, pool: int):
        super().__init__()
        self.conv = nn.Conv1d(before, after, kernel, stride, kernel // 2)
        self.bn = nn.BatchNorm1d(after)
        self.pool = nn.MaxPool1d(pool)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pool(self.bn(self.conv(x)).relu())


class SampleCNN(nn.Module):
    """Keys `layer1.*` to `layer11.*`, `dense.*`."""

    def __init__(self, n_tags: int):
        super().__init__()
        for number, (before, after) in enumerate(pairwise((1, *WIDTHS)), start=1):
            stride, pool = (3, 1) if number == 1 else (1, 3)
            self.add_module(f"layer{number}", Convolved(before, after, 3, stride, pool))
        self.layer11 = Convolved(512, 512, 1, 1, 1)
        self.dense = nn.Linear(512, n_tags)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        x = windows[:, None]
        for number in range(1, 12):
            x = self.get_submodule(f"layer{number}")(x)
        return self.dense(x[..., 0]).sigmoid()


class Excited(nn.Module):
    """Keys `conv_1.*`, `bn_1.*`, `dense1.*` ...; those with a 3 if there is a shortcut."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, pool: int):
        super().__init__()
        self.conv_1 = nn.Conv1d(before, after, kernel, stride, kernel // 2)
        self.bn_1 = nn.BatchNorm1d(after)
        self.conv_2 = nn.Conv1d(after, after, kernel, 1, kernel // 2)
        self.bn_2 = nn.BatchNorm1d(after)
        self.dense1 = nn.Linear(after, after)
        self.dense2 = nn.Linear(after, after)
        self.shortened = before != after
        if self.shortened:
            self.conv_3 = nn.Conv1d(before, after, kernel, stride, kernel // 2)
            self.bn_3 = nn.BatchNorm1d(after)
        self.pool = nn.MaxPool1d(pool)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn_2(self.conv_2(self.bn_1(self.conv_1(x)).relu()))
        weight = self.dense2(self.dense1(y.mean(-1)).relu()).sigmoid()
        shortcut = self.bn_3(self.conv_3(x)) if self.shortened else x
        return self.pool((shortcut + y * weight[..., None]).relu())


class SampleCNNSE(nn.Module):
    """Keys `layer1.*` to `layer11.*`, `dense1.*`, `bn.*`, `dense2.*`."""

    def __init__(self, n_tags: int):
        super().__init__()
        for number, (before, after) in enumerate(pairwise((1, *WIDTHS)), start=1):
            stride, pool = (3, 1) if number == 1 else (1, 3)
            self.add_module(f"layer{number}", Excited(before, after, 3, stride, pool))
        self.layer11 = Excited(512, 512, 1, 1, 1)
        self.dense1 = nn.Linear(512, 512)
        self.bn = nn.BatchNorm1d(512)
        self.dense2 = nn.Linear(512, n_tags)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        x = windows[:, None]
        for number in range(1, 12):
            x = self.get_submodule(f"layer{number}")(x)
        return self.dense2(self.bn(self.dense1(x[..., 0])).relu()).sigmoid()


class Contrastive(nn.Module):
    """CLMR's encoder and a probe: keys `encoder.sequential.*`, `model.*`."""

    def __init__(self, n_tags: int, hidden_units: int = 0):
        super().__init__()
        stages = [nn.Sequential(nn.Conv1d(1, 128, 3, 3), nn.BatchNorm1d(128), nn.ReLU())]
        for before, after in pairwise(WIDTHS):
            conv = nn.Conv1d(before, after, 3, padding=1)
            stages.append(nn.Sequential(conv, nn.BatchNorm1d(after), nn.ReLU(), nn.MaxPool1d(3)))
        conv = nn.Conv1d(512, 512, 3, padding=1)
        stages.append(nn.Sequential(conv, nn.BatchNorm1d(512), nn.ReLU()))
        self.encoder = nn.Module()
        self.encoder.sequential = nn.Sequential(*stages)
        hidden = [nn.Linear(512, hidden_units), nn.ReLU()] if hidden_units else []
        self.model = nn.Sequential(*hidden, nn.Linear(hidden_units or 512, n_tags))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return self.model(self.encoder.sequential(windows[:, None]).flatten(1)).sigmoid()


class Kim(nn.Module):
    """Keys `stem.*`, `blocks.0.*` to `blocks.8.*`, `hidden.*`, `hidden_bn.*`, `tags.*`."""

    def __init__(self, n_tags: int, residual: bool, squeeze: bool):
        super().__init__()
        self.stem = _conv_bn(1, 128, 3, 3, 0)
        block = Residual if residual else Basic
        self.blocks = nn.ModuleList([block(*widths, squeeze) for widths in pairwise(WIDTHS)])
        self.hidden = nn.Linear(1024, 1024)
        self.hidden_bn = nn.BatchNorm1d(1024, **KERAS)
        self.tags = nn.Linear(1024, n_tags)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        x, scales = self.stem(windows[:, None]).relu(), []
        for block in self.blocks:
            x = block(x)
            scales.append(x.amax(-1))
        x = torch.cat(scales[-3:], dim=1)
        return self.tags(self.hidden_bn(self.hidden(x)).relu()).sigmoid()


class Basic(nn.Module):
    def __init__(self, before: int, after: int, squeeze: bool):
        super().__init__()
        self.conv = _conv_bn(before, after, 3, 1, 1)
        self.gate = _gate(after) if squeeze else None
        self.pool = nn.MaxPool1d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.conv(x).relu())
        return x * self.gate(x.mean(-1))[..., None] if self.gate else x


class Residual(nn.Module):
    def __init__(self, before: int, after: int, squeeze: bool):
        super().__init__()
        self.conv_1 = _conv_bn(before, after, 3, 1, 1)
        self.conv_2 = _conv_bn(after, after, 3, 1, 1)
        self.shortcut = _conv_bn(before, after, 1, 1, 0) if before != after else nn.Identity()
        self.gate = _gate(after) if squeeze else None
        self.pool = nn.MaxPool1d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv_2(self.conv_1(x).relu())
        y = y * self.gate(y.mean(-1))[..., None] if self.gate else y
        return self.pool((self.shortcut(x) + y).relu())


KIM_LAYERS = {
    "stem.0": "conv_1",
    "stem.1": "conv_1_bn",
    **{
        f"blocks.{place}.{theirs}": f"block_{place + 1}{ours}"
        for place in range(9)
        for theirs, ours in {
            "conv.0": "",
            "conv.1": "_bn",
            "conv_1.0": "_1",
            "conv_1.1": "_1_bn",
            "conv_2.0": "_2",
            "conv_2.1": "_2_bn",
            "shortcut.0": "_shortcut",
            "shortcut.1": "_shortcut_bn",
            "gate.0": "_squeeze",
            "gate.2": "_excite",
        }.items()
    },
    "hidden": "hidden",
    "hidden_bn": "hidden_bn",
    "tags": "tags",
}


class MultiScale(nn.Module):
    """Keys `nets.59049.0.0.*` ..., `hidden.0.*`, `hidden.2.*`, `tags.*`."""

    def __init__(self, n_tags: int):
        super().__init__()
        twos = (*[128] * 3, *[256] * 10, 512)
        self.nets = nn.ModuleDict({"59049": _levels(3, WIDTHS), "16384": _levels(2, twos)})
        self.hidden = nn.Sequential(nn.Linear(2560, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU())
        self.tags = nn.Linear(512, n_tags)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        features = []
        for length, net in self.nets.items():
            pieces = windows.unfold(1, int(length), int(length)).unbind(1)
            features.append(torch.stack([_pooled(net, piece) for piece in pieces]).mean(0))
        return self.tags(self.hidden(torch.cat(features, dim=1))).sigmoid()


MULTI_SCALE_LAYERS = {
    **{
        f"nets.{length}.{place}.{part}": f"scale_{length}_conv_{place + 1}{ours}"
        for length, convolutions in ((59_049, 11), (16_384, 15))
        for place in range(convolutions)
        for part, ours in enumerate(("", "_bn"))
    },
    "hidden.0": "hidden_1",
    "hidden.2": "hidden_2",
    "tags": "tags",
}


def _levels(grain: int, widths: Sequence[int]) -> nn.ModuleList:
    stages = [nn.Sequential(nn.Conv1d(1, widths[0], grain, grain), nn.BatchNorm1d(widths[0]))]
    for before, after in pairwise(widths):
        conv = nn.Conv1d(before, after, grain, padding=grain // 2)
        stages.append(nn.Sequential(conv, nn.BatchNorm1d(after), nn.ReLU(), nn.MaxPool1d(grain)))
    stages.append(nn.Sequential(nn.Conv1d(512, 512, 1), nn.BatchNorm1d(512)))
    return nn.ModuleList(stages)


def _pooled(net: nn.ModuleList, piece: torch.Tensor) -> torch.Tensor:
    x, scales = piece[:, None], []
    for stage in net:
        x = stage(x).relu()
        scales.append(x.amax(-1))
    return torch.cat(scales[-3:], dim=1)


def _conv_bn(before: int, after: int, kernel: int, stride: int, padding: int) -> nn.Sequential:
    conv = nn.Conv1d(before, after, kernel, stride, padding)
    return nn.Sequential(conv, nn.BatchNorm1d(after, **KERAS))


def _gate(channels: int) -> nn.Sequential:
    amplified = 16 * channels
    return nn.Sequential(
        nn.Linear(channels, amplified), nn.ReLU(), nn.Linear(amplified, channels), nn.Sigmoid()
    )
