from itertools import pairwise

from tests.models.architectures.torch_twins.fcn import Conv, image
from tests.models.architectures.torch_twins.filling import torch

nn = torch.nn

WIDTHS = (1, 128, 128, 256, 256, 256, 256, 512)


class Residual(nn.Module):
    """Named and ordered as in the released checkpoints."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=2, padding=1)
        self.bn_1 = nn.BatchNorm2d(outputs)
        self.conv_2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1)
        self.bn_2 = nn.BatchNorm2d(outputs)
        self.conv_3 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=2, padding=1)
        self.bn_3 = nn.BatchNorm2d(outputs)

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        first = torch.relu(self.bn_1(self.conv_1(x)))
        return torch.relu(self.bn_3(self.conv_3(x)) + self.bn_2(self.conv_2(first)))


class ShortChunk(nn.Module):
    def __init__(self, n_tags: int, blocks: list["nn.Module"]) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)
        self.blocks = [f"layer{number}" for number in range(1, len(blocks) + 1)]
        for name, block in zip(self.blocks, blocks, strict=True):
            setattr(self, name, block)
        self.dense1 = nn.Linear(WIDTHS[-1], 512)
        self.bn = nn.BatchNorm1d(512)
        self.dense2 = nn.Linear(512, n_tags)

    def forward(self, windows: "torch.Tensor") -> "torch.Tensor":
        x = self.spec_bn(image(windows))
        for name in self.blocks:
            x = getattr(self, name)(x)
        hidden = self.bn(self.dense1(x.amax((2, 3))))
        return torch.sigmoid(self.dense2(torch.relu(hidden)))


class ShortChunkCNN(ShortChunk):
    def __init__(self, n_tags: int) -> None:
        super().__init__(n_tags, [Conv(*pair, (2, 2)) for pair in pairwise(WIDTHS)])


class ShortChunkRes(ShortChunk):
    def __init__(self, n_tags: int) -> None:
        super().__init__(n_tags, [Residual(*pair) for pair in pairwise(WIDTHS)])
