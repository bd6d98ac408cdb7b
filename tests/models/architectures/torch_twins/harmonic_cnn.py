from tests.models.architectures.torch_twins.fcn import Conv
from tests.models.architectures.torch_twins.filling import torch

nn = torch.nn

HARMONICS, NOTES, BINS = 6, 128, 257


class HarmonicFilters(nn.Module):
    """From power spectra to decibels of each harmonic; its STFT is not repeated here."""

    def __init__(self) -> None:
        super().__init__()
        self.bw_Q = nn.Parameter(torch.ones(1))

    def forward(self, power: "torch.Tensor") -> "torch.Tensor":
        """(batch, frames, bins) -> (batch, harmonics, notes, frames)."""
        decibels = []
        for harmonic in range(1, HARMONICS + 1):
            bands = power @ self._triangles(harmonic)
            decibels.append(10 * torch.log10(bands.clamp(min=1e-10)).transpose(1, 2))
        return torch.stack(decibels, dim=1)

    def _triangles(self, harmonic: int) -> "torch.Tensor":
        """(bins, notes)."""
        semitones = torch.arange(NOTES, dtype=torch.float64) / 2 + (24 - 69)
        centre = (harmonic * 440 * 2 ** (semitones / 12)).float()
        width = (0.1079 * centre + 24.7) / self.bw_Q
        hertz = (torch.arange(BINS) * (8_000 / (BINS - 1)))[:, None]
        rising = hertz * (2 / width) + 1 - 2 * centre / width
        falling = hertz * (-2 / width) + 1 + 2 * centre / width
        return torch.minimum(rising, falling).clamp(min=0)


class PooledResidual(nn.Module):
    """Named and ordered as in the released checkpoints; `pool` is (bins, frames)."""

    def __init__(self, channels: int, pool: tuple[int, int]) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.bn_1 = nn.BatchNorm2d(channels)
        self.conv_2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.bn_2 = nn.BatchNorm2d(channels)
        self.pool = pool

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        first = torch.relu(self.bn_1(self.conv_1(x)))
        both = torch.relu(x + self.bn_2(self.conv_2(first)))
        return nn.functional.max_pool2d(both, self.pool)


class HarmonicCNN(nn.Module):
    def __init__(self, n_tags: int) -> None:
        super().__init__()
        self.hstft = HarmonicFilters()
        self.hstft_bn = nn.BatchNorm2d(HARMONICS)
        self.layer1 = Conv(HARMONICS, 128, (2, 2))
        self.layer2 = PooledResidual(128, (2, 2))
        self.layer3 = PooledResidual(128, (2, 2))
        self.layer4 = PooledResidual(128, (2, 2))
        self.layer5 = Conv(128, 256, (2, 2))
        self.layer6 = PooledResidual(256, (2, 3))
        self.layer7 = PooledResidual(256, (2, 3))
        self.dense1 = nn.Linear(256, 256)
        self.bn = nn.BatchNorm1d(256)
        self.dense2 = nn.Linear(256, n_tags)

    def forward(self, power: "torch.Tensor") -> "torch.Tensor":
        x = self.hstft_bn(self.hstft(power))
        for number in range(1, 8):
            x = getattr(self, f"layer{number}")(x)
        hidden = self.bn(self.dense1(x.amax((2, 3))))
        return torch.sigmoid(self.dense2(torch.relu(hidden)))
