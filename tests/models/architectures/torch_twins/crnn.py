from tests.models.architectures.torch_twins.fcn import Conv, image
from tests.models.architectures.torch_twins.filling import torch

nn = torch.nn


class CRNN(nn.Module):
    def __init__(self, n_tags: int) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)
        self.layer1 = Conv(1, 64, (2, 2))
        self.layer2 = Conv(64, 128, (3, 3))
        self.layer3 = Conv(128, 128, (4, 4))
        self.layer4 = Conv(128, 128, (4, 4))
        self.layer5 = nn.GRU(128, 32, num_layers=2, batch_first=True)
        self.dense = nn.Linear(32, n_tags)

    def forward(self, windows: "torch.Tensor") -> "torch.Tensor":
        x = self.spec_bn(image(windows))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        steps, _ = self.layer5(x.squeeze(2).transpose(1, 2))
        return torch.sigmoid(self.dense(steps[:, -1]))
