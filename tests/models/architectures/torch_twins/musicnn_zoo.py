from tests.models.architectures.torch_twins.fcn import image
from tests.models.architectures.torch_twins.filling import torch

nn = torch.nn


class Timbral(nn.Module):
    def __init__(self, height: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 204, kernel_size=(height, 7), padding=(0, 3))
        self.bn = nn.BatchNorm2d(204)

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return torch.relu(self.bn(self.conv(x))).amax(2)


class Conv(nn.Module):
    def __init__(self, inputs: int, outputs: int, length: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel_size=length, padding=length // 2)
        self.bn = nn.BatchNorm1d(outputs)

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return torch.relu(self.bn(self.conv(x)))


class Temporal(Conv):
    def __init__(self, length: int) -> None:
        super().__init__(1, 51, length)

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return super().forward(x.mean(2))


class MusiCNN(nn.Module):
    def __init__(self, n_tags: int) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)
        branches = [Timbral(67), Timbral(38), Temporal(129), Temporal(65), Temporal(33)]
        self.layers = nn.ModuleList(branches)
        self.layer1 = Conv(561, 64, 7)
        self.layer2 = Conv(64, 64, 7)
        self.layer3 = Conv(64, 64, 7)
        self.dense1 = nn.Linear(2 * (561 + 3 * 64), 200)
        self.bn = nn.BatchNorm1d(200)
        self.dense2 = nn.Linear(200, n_tags)

    def forward(self, windows: "torch.Tensor") -> "torch.Tensor":
        x = self.spec_bn(image(windows))
        front = torch.cat([branch(x) for branch in self.layers], dim=1)
        first = self.layer1(front)
        second = first + self.layer2(first)
        third = second + self.layer3(second)
        everything = torch.cat([front, first, second, third], dim=1)
        pooled = torch.cat([everything.amax(2), everything.mean(2)], dim=1)
        return torch.sigmoid(self.dense2(torch.relu(self.bn(self.dense1(pooled)))))
