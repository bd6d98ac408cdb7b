"""CNNSA, Music Tagging Transformer and SpecTNT of PyTorch's layers.

The first two have the keys of the released checkpoints. Of SpecTNT none were released: its keys are
our own, and its arithmetic is written down once more after the paper.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch, for the twins, is not installed")
nn, functional = torch.nn, torch.nn.functional

Tree = Mapping[str, object]


def tree(**children: object) -> "torch.nn.ModuleDict":
    """Modules within modules, by the names that a state dict joins with dots."""
    return nn.ModuleDict(
        {name: tree(**each) if isinstance(each, dict) else each for name, each in children.items()}
    )


def images(windows: "torch.Tensor") -> "torch.Tensor":
    """(batch, frames, bins) -> (batch, 1, bins, frames)."""
    return windows.transpose(1, 2).unsqueeze(1)


def attended(
    query: "torch.Tensor", key: "torch.Tensor", value: "torch.Tensor", heads: int
) -> "torch.Tensor":
    """Attention between tokens, (batch, tokens, features) each."""
    shared = (each.unflatten(2, (heads, -1)).transpose(1, 2) for each in (query, key, value))
    return functional.scaled_dot_product_attention(*shared).transpose(1, 2).flatten(2)


def gelu(x: "torch.Tensor") -> "torch.Tensor":
    return functional.gelu(x, approximate="none")


def bert(width: int) -> "torch.nn.ModuleDict":
    return tree(
        attention={
            "self": {name: nn.Linear(width, width) for name in ("query", "key", "value")},
            "output": {
                "dense": nn.Linear(width, width),
                "LayerNorm": nn.LayerNorm(width, eps=1e-12),
            },
        },
        intermediate={"dense": nn.Linear(width, 4 * width)},
        output={"dense": nn.Linear(4 * width, width), "LayerNorm": nn.LayerNorm(width, eps=1e-12)},
    )


def with_class_token(x: "torch.Tensor") -> "torch.Tensor":
    """(batch, width, tokens) -> (batch, 1 + tokens, width)."""
    np.random.seed(0)
    first = torch.from_numpy(np.random.random((1, x.shape[1])).astype(np.float32))
    return torch.cat([first.expand(len(x), 1, -1), x.transpose(1, 2)], dim=1)


def encoded(x: "torch.Tensor", blocks: "torch.nn.ModuleList") -> "torch.Tensor":
    for layer in blocks:
        own, output = layer["attention"]["self"], layer["attention"]["output"]
        y = attended(*(own[name](x) for name in ("query", "key", "value")), heads=8)
        x = output["LayerNorm"](x + output["dense"](y))
        y = layer["output"]["dense"](gelu(layer["intermediate"]["dense"](x)))
        x = layer["output"]["LayerNorm"](x + y)
    return x


class Residual(nn.Module):
    """Sizes are (bins, frames)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        stride: Sequence[int] = (1, 1),
        pool: Sequence[int] = (1, 1),
    ) -> None:
        super().__init__()
        self.pool = pool
        self.conv_1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
        self.bn_1 = nn.BatchNorm2d(outputs)
        self.conv_2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.bn_2 = nn.BatchNorm2d(outputs)
        self.shortcut = inputs != outputs or tuple(stride) != (1, 1)
        if self.shortcut:
            self.conv_3 = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
            self.bn_3 = nn.BatchNorm2d(outputs)

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        y = self.bn_2(self.conv_2(self.bn_1(self.conv_1(x)).relu()))
        x = self.bn_3(self.conv_3(x)) if self.shortcut else x
        return functional.max_pool2d((x + y).relu(), self.pool)


class CNNSA(nn.Module):
    WIDTHS = (1, 128, 128, 256, 256, 256, 256, 256)
    STRIDES = ((2, 2),) * 3 + ((2, 1),) * 4

    def __init__(self, n_tags: int) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)
        for place, stride in enumerate(self.STRIDES):
            residual = Residual(*self.WIDTHS[place : place + 2], stride)
            self.add_module(f"layer{place + 1}", residual)
        self.encoder = tree(layer=nn.ModuleList([bert(256) for _ in range(2)]))
        self.pooler = tree(dense=nn.Linear(256, 256))
        self.dense = nn.Linear(256, n_tags)

    def forward(self, windows: "torch.Tensor") -> "torch.Tensor":
        x = self.spec_bn(images(windows))
        for number in range(1, len(self.STRIDES) + 1):
            x = self.get_submodule(f"layer{number}")(x)
        x = encoded(with_class_token(x.squeeze(2)), self.encoder["layer"])
        return self.dense(self.pooler["dense"](x[:, 0]).tanh()).sigmoid()


class Timbral(nn.Module):
    def __init__(self, outputs: int, height: int, length: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, outputs, (height, length), padding=(0, length // 2))
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return self.bn(self.conv(x)).relu().amax(2)


class Along(nn.Module):
    """A convolution over time, of a melgram's mean over its bands, or of channels."""

    def __init__(
        self, inputs: int, outputs: int, length: int, stride: int = 1, pool: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, length, stride, length // 2)
        self.bn = nn.BatchNorm1d(outputs)
        self.pool = pool

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        x = x.mean(2) if x.ndim == 4 else x
        return functional.max_pool1d(self.bn(self.conv(x)).relu(), self.pool)


class ClassTokenNetwork(nn.Module):
    """The networks of Won et al. 2019: `tokens` gives (batch, 512, tokens)."""

    def __init__(self, n_tags: int, front_end: Tree) -> None:
        super().__init__()
        self.front_end = tree(**front_end)
        self.back_end = tree(
            encoder={"layer": nn.ModuleList([bert(512) for _ in range(2)])},
            pooler={"dense": nn.Linear(512, 512)},
        )
        self.classifier = nn.Linear(512, n_tags)

    def forward(self, windows: "torch.Tensor") -> "torch.Tensor":
        x = with_class_token(self.tokens(windows))
        places = torch.arange(512)
        rates = 10_000.0 ** (2 * places.div(2, rounding_mode="floor").double() / 512)
        angles = torch.arange(x.shape[1]).double()[:, None] / rates
        table = torch.where(places % 2 == 0, angles.sin(), angles.cos())
        table[0] = 0
        x = encoded(x + table.float(), self.back_end["encoder"]["layer"])
        return self.classifier(self.back_end["pooler"]["dense"](x[:, 0]).tanh()).sigmoid()


class CNNSAMusiCNN(ClassTokenNetwork):
    def __init__(self, n_tags: int) -> None:
        shapes = ((16, 86, 7), (32, 86, 3), (64, 86, 1), (16, 38, 7), (32, 38, 3), (64, 38, 1))
        lengths = ((16, 165), (32, 129), (64, 65), (128, 33))
        branches = [Timbral(*each) for each in shapes] + [Along(1, *each) for each in lengths]
        super().__init__(
            n_tags,
            {
                "input_bn": nn.BatchNorm2d(1),
                "layers": nn.ModuleList(branches),
                "conv1x1": nn.Conv1d(464, 512, 1),
                "bn": nn.BatchNorm1d(512),
            },
        )

    def tokens(self, windows: "torch.Tensor") -> "torch.Tensor":
        x = self.front_end["input_bn"](images(windows))
        x = torch.cat([branch(x) for branch in self.front_end["layers"]], dim=1)
        return self.front_end["bn"](self.front_end["conv1x1"](x)).relu()


class CNNSASampleCNN(ClassTokenNetwork):
    def __init__(self, n_tags: int) -> None:
        pairs = ((64, 64), (64, 128), (128, 128), (128, 128))
        super().__init__(
            n_tags,
            {
                "init_conv": Along(1, 64, 3, stride=3),
                "convs": nn.ModuleList([Along(*each, 3, pool=3) for each in pairs]),
                "conv1x1": Along(128, 512, 7),
            },
        )

    def tokens(self, windows: "torch.Tensor") -> "torch.Tensor":
        x = self.front_end["init_conv"](windows[:, None])
        for convolution in self.front_end["convs"]:
            x = convolution(x)
        return self.front_end["conv1x1"](x)


class MusicTaggingTransformer(nn.Module):
    def __init__(self, n_tags: int, width: int) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.empty(1, 513, width))
        self.cls_token = nn.Parameter(torch.empty(width))
        self.frontend = tree(
            input_bn=nn.BatchNorm2d(1),
            layer1=Residual(1, 128, pool=(2, 2)),
            layer2=Residual(128, 128, pool=(2, 2)),
            layer3=Residual(128, 128, pool=(2, 1)),
            fc=nn.Linear(16 * 128, width),
        )
        blocks = nn.ModuleList([self._block(width) for _ in range(4)])
        self.transformer = tree(layers=blocks)
        self.mlp_head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_tags))

    @staticmethod
    def _block(width: int) -> "torch.nn.ModuleList":
        attention = {
            "to_qkv": nn.Linear(width, 3 * width, bias=False),
            "to_out": nn.Sequential(nn.Linear(width, width), nn.Dropout()),
        }
        dense = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Dropout(),
            nn.Linear(4 * width, width),
            nn.Dropout(),
        )
        halves = (attention, {"net": dense})
        return nn.ModuleList([tree(fn={"norm": nn.LayerNorm(width), "fn": f}) for f in halves])

    def forward(self, windows: "torch.Tensor") -> "torch.Tensor":
        x = images(windows)
        for name in ("input_bn", "layer1", "layer2", "layer3"):
            x = self.frontend[name](x)
        x = self.frontend["fc"](x.permute(0, 3, 1, 2).flatten(2))
        x = torch.cat([self.cls_token.expand(len(x), 1, -1), x], dim=1)
        x = x + self.pos_embedding[:, : x.shape[1]]
        for first, second in self.transformer["layers"]:
            attention = first["fn"]["fn"]
            qkv = attention["to_qkv"](first["fn"]["norm"](x)).chunk(3, dim=-1)
            x = x + attention["to_out"](attended(*qkv, heads=8))
            x = x + second["fn"]["fn"]["net"](second["fn"]["norm"](x))
        return self.mlp_head(x[:, 0]).sigmoid()


class SpecTNT(nn.Module):
    """Of a window of 4 * `steps` frames; bins and frames have the same width."""

    def __init__(self, n_tags: int, steps: int, bins: int, width: int, features: int) -> None:
        super().__init__()
        self.bin_positions = nn.Parameter(torch.empty(1, 1 + bins, width))
        self.frame_positions = nn.Parameter(torch.empty(1, steps, width))
        self.cls = nn.Parameter(torch.empty(width))
        self.input_bn = nn.BatchNorm2d(1)
        self.residual = Residual(1, width, pool=(1, 4))
        self.blocks = nn.ModuleList(
            [
                tree(
                    to_bins=nn.Linear(width, width),
                    spectral=self._encoder(width, features),
                    to_frames=nn.Linear(width, width),
                    temporal=self._encoder(width, features),
                )
                for _ in range(3)
            ]
        )
        self.tags = nn.Linear(width, n_tags)

    @staticmethod
    def _encoder(width: int, features: int) -> Tree:
        return {
            "norm_1": nn.LayerNorm(width),
            "qkv": nn.Linear(width, 3 * features, bias=False),
            "out": nn.Linear(features, width),
            "norm_2": nn.LayerNorm(width),
            "dense_1": nn.Linear(width, 4 * width),
            "dense_2": nn.Linear(4 * width, width),
        }

    @staticmethod
    def _encoded(x: "torch.Tensor", encoder: Tree, heads: int) -> "torch.Tensor":
        qkv = encoder["qkv"](encoder["norm_1"](x)).chunk(3, dim=-1)
        x = x + encoder["out"](attended(*qkv, heads))
        return x + encoder["dense_2"](gelu(encoder["dense_1"](encoder["norm_2"](x))))

    def forward(self, windows: "torch.Tensor") -> "torch.Tensor":
        x = self.residual(self.input_bn(images(windows))).permute(0, 3, 2, 1)
        batch, steps, _, width = x.shape
        bins = torch.cat([torch.zeros(batch, steps, 1, width), x], dim=2) + self.bin_positions
        frames = self.frame_positions.expand(batch, -1, -1)
        whole = self.cls.expand(batch, 1, -1)
        for block in self.blocks:
            class_tokens, others = bins[:, :, :1], bins[:, :, 1:]
            class_tokens = class_tokens + block["to_bins"](frames).unsqueeze(2)
            bins = torch.cat([class_tokens, others], dim=2).flatten(0, 1)
            bins = self._encoded(bins, block["spectral"], heads=4).unflatten(0, (batch, steps))
            frames = frames + block["to_frames"](bins[:, :, 0])
            frames = torch.cat([whole, frames], dim=1)
            frames = self._encoded(frames, block["temporal"], heads=8)
            whole, frames = frames[:, :1], frames[:, 1:]
        return self.tags(whole[:, 0]).sigmoid()


SPECTNT_LAYERS = {
    "bin_positions": "bin_positions/table",
    "frame_positions": "frame_positions/table",
    "cls": "cls/token",
    "input_bn": "input_bn",
    "residual.conv_1": "residual_1_1",
    "residual.bn_1": "residual_1_1_bn",
    "residual.conv_2": "residual_1_2",
    "residual.bn_2": "residual_1_2_bn",
    "residual.conv_3": "residual_1_shortcut",
    "residual.bn_3": "residual_1_shortcut_bn",
    **{
        f"blocks.{number}.{bridge}": f"block_{number + 1}_{bridge}"
        for number in range(3)
        for bridge in ("to_bins", "to_frames")
    },
    **{
        f"blocks.{number}.{encoder}.{layer}": f"block_{number + 1}_{encoder}_{layer}"
        for number in range(3)
        for encoder in ("spectral", "temporal")
        for layer in ("norm_1", "qkv", "out", "norm_2", "dense_1", "dense_2")
    },
    "tags": "tags",
}
