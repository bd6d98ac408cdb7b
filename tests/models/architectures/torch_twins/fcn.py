from tests.models.architectures.torch_twins.filling import torch

nn = torch.nn


def image(windows: "torch.Tensor") -> "torch.Tensor":
    """(batch, frames, bins) as PyTorch has it: (batch, 1, bins, frames)."""
    return windows.transpose(1, 2).unsqueeze(1)


class Conv(nn.Module):
    """Named and ordered as in the released checkpoints; `pool` is (bins, frames)."""

    def __init__(self, inputs: int, outputs: int, pool: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)
        self.bn = nn.BatchNorm2d(outputs)
        self.pool = pool

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        x = torch.relu(self.bn(self.conv(x)))
        return nn.functional.max_pool2d(x, self.pool)


class FCN(nn.Module):
    def __init__(self, n_tags: int) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)
        self.layer1 = Conv(1, 64, (2, 4))
        self.layer2 = Conv(64, 128, (2, 4))
        self.layer3 = Conv(128, 128, (2, 4))
        self.layer4 = Conv(128, 128, (3, 5))
        self.layer5 = Conv(128, 64, (4, 4))
        self.dense = nn.Linear(64, n_tags)

    def forward(self, windows: "torch.Tensor") -> "torch.Tensor":
        x = self.spec_bn(image(windows))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4, self.layer5):
            x = layer(x)
        return torch.sigmoid(self.dense(x.flatten(1)))
