"""MusiCNN on raw samples; its released code is of TensorFlow, so the keys are our names."""

from itertools import pairwise

from tests.models.architectures.torch_twins.filling import torch

nn, functional = torch.nn, torch.nn.functional

WIDTHS = (1, 64, 64, 64, 128, 128, 128, 256)
EPS = 1e-3


class MusiCNNWaveform(nn.Module):
    def __init__(self, n_tags: int) -> None:
        super().__init__()
        for number, (before, after) in enumerate(pairwise(WIDTHS), start=1):
            self.add_module(f"conv_{number}", nn.Conv1d(before, after, 3, 3 if number == 1 else 1))
            self.add_module(f"conv_{number}_bn", nn.BatchNorm1d(after, EPS))
        self.mid_1 = nn.Conv1d(256, 512, 7)
        self.mid_1_bn = nn.BatchNorm1d(512, EPS)
        self.mid_2, self.mid_3 = (nn.Conv1d(512, 512, 7, padding=3) for _ in range(2))
        self.mid_2_bn, self.mid_3_bn = (nn.BatchNorm2d(1, EPS) for _ in range(2))
        self.hidden = nn.Linear(1024, 500)
        self.hidden_bn = nn.BatchNorm1d(500, EPS)
        self.tags = nn.Linear(500, n_tags)

    def forward(self, windows: "torch.Tensor") -> "torch.Tensor":
        x = windows[:, None]
        for number in range(1, len(WIDTHS)):
            x = self.get_submodule(f"conv_{number}")(x).relu()
            x = self.get_submodule(f"conv_{number}_bn")(x)
            x = functional.max_pool1d(x, 1 if number == 1 else 3)
        x = self.mid_1_bn(self.mid_1(x).relu())
        x = functional.max_pool1d(x + self.mid_2_bn(self.mid_2(x).relu()[:, None])[:, 0], 2)
        x = x + self.mid_3_bn(self.mid_3(x).relu()[:, None])[:, 0]
        x = torch.stack([x.amax(-1), x.mean(-1)], dim=-1).flatten(1)
        x = self.hidden_bn(self.hidden(x).relu())
        return self.tags(x).sigmoid()


LAYERS = {
    f"{layer}{part}": f"{layer}{part}"
    for layer in (
        *(f"conv_{number}" for number in range(1, len(WIDTHS))),
        *("mid_1", "mid_2", "mid_3", "hidden"),
    )
    for part in ("", "_bn")
} | {"tags": "tags"}
