"""Write the curves of a training as CSV and as a picture."""

import csv
import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from app.files import write_atomically
from app.training.loop.checkpoint import Row

CSV, PICTURE = "curves.csv", "curves.png"

COLUMNS = (
    "phase", "epoch", "stage", "learning_rate", "seconds",
    "loss", "roc_auc", "pr_auc", "val_loss", "val_roc_auc", "val_pr_auc",
)  # fmt: skip

PANELS = (("loss", "Loss"), ("roc_auc", "ROC-AUC"), ("pr_auc", "PR-AUC"))


def write_curves(folder: Path, rows: Sequence[Row]) -> None:
    """Write `curves.csv`.

    Raises:
        SetupError: It can't be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(folder / CSV, text.getvalue().encode())


def draw_curves(folder: Path, rows: Sequence[Row]) -> None:
    """Draw `curves.png`, which takes longer than a small network's epoch.

    Raises:
        SetupError: It can't be written.
    """
    picture = io.BytesIO()
    _drawn(rows).savefig(picture, format="png", dpi=120)
    write_atomically(folder / PICTURE, picture.getvalue())


def _drawn(rows: Sequence[Row]) -> Figure:
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    for axes, (name, title) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        _panel(axes, rows, name)
        axes.set(title=title, xlabel="Epoch")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _panel(axes: Axes, rows: Sequence[Row], name: str) -> None:
    """Draw training dashed, validation solid, a colour per phase, learning rate changes dotted."""
    phases = dict.fromkeys(str(row["phase"]) for row in rows)
    for number, phase in enumerate(phases):
        own = [(at, row) for at, row in enumerate(rows, 1) if row["phase"] == phase]
        known = [(at, row) for at, row in own if name in row]
        epochs = [at for at, _ in known]
        for column, style in ((name, "--"), (f"val_{name}", "-")):
            label = f"{phase}, {'training' if style == '--' else 'validation'}"
            values = [float(row[column]) for _, row in known]
            marker = "o" if len(epochs) == 1 else None
            axes.plot(epochs, values, style, color=f"C{number}", label=label, marker=marker)
        for (_, before), (at, row) in pairwise(own):
            if row["learning_rate"] != before["learning_rate"]:
                axes.axvline(at - 0.5, color="grey", linestyle=":", linewidth=0.8)
    if name == "loss":
        axes.legend(frameon=False, fontsize="small")
