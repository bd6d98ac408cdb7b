"""`make bench-zoo`: the cost of every architecture, by engine, and its published quality.

Each is published with random weights in a separate store and measured in a new process, one after
the other. Figures of the same code and processor are reused, so that a stopped run is resumed. The
table and the picture are in `.cache/bench`; parameters, GFLOP and speed also go to
`app/evaluation/costs.json`, which `taggram zoo table` shows.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib as mpl
from adjustText import adjust_text
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.progress import track

from app.domain import Backend, Precision
from app.evaluation.costs import Cost, Costs, write_costs
from app.evaluation.published import MSD, MTAT, TABLE_4_10, comparable_roc_auc
from app.models import architectures
from app.store.storage.store import Store
from loadtests.report import RESULTS, Row, machine, out, publish
from loadtests.zoo.probe import size
from testing.random_models import publish_random

KEPT = RESULTS / "zoo"
PICTURE = RESULTS / "zoo.png"
ENGINES = list(product(Backend, (Precision.BF16, Precision.FLOAT32)))
PATIENCE_S = 600

Figures = dict[str, Any]


def main() -> None:
    """Measure missing figures, print, draw."""
    KEPT.mkdir(parents=True, exist_ok=True)
    jobs = [(name, *engine) for name in architectures() for engine in ENGINES]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        for name, backend, precision in track(jobs, "architectures", console=out):
            _measured(store, name, backend, precision)
    sizes = {name: _kept(name) or _keep(name, size(name)) for name in architectures()}
    publish("zoo", "The zoo", list(_rows(sizes)), _notes())
    write_costs(_costs(sizes | _sizes_of_variants()))
    _draw(sizes)
    out.print(f"Cost against published quality: {PICTURE}", highlight=False)


def _measured(store: Store, name: str, backend: Backend, precision: Precision) -> None:
    """Have a fresh process measure one engine, unless that was done."""
    key = f"{name}-{backend}-{precision}"
    if _kept(key) is not None:
        return
    if not store.versions(name.replace("_", "-")):
        publish_random(store, name, name.replace("_", "-"))
    command = [sys.executable, "-m", "loadtests.zoo.probe", str(store.folder), name]
    ended = subprocess.run(
        [*command, backend, precision],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    if ended.returncode == 0:
        _keep(key, json.loads(ended.stdout.splitlines()[-1]))
    else:
        error = ended.stderr.strip().splitlines()[-1]
        _keep(key, {"refused": error.removeprefix("app.errors.SetupError: ")})


def _rows(sizes: dict[str, Figures]) -> Iterator[Row]:
    for name, its in sizes.items():
        for backend, precision in ENGINES:
            figures = _kept(f"{name}-{backend}-{precision}") or {}
            if "refused" in figures:
                continue
            yield {
                "architecture": name,
                "parameters": f"{its['parameters']:,}",
                "GFLOP a minute": f"{its['gflop_a_minute']:.1f}",
                "window s": f"{figures['window_s']:.2f}",
                "engine": f"{backend} {precision}",
                "windows/s min / median / max": " / ".join(
                    f"{figures[f'windows_{which}']:.1f}" for which in ("low", "median", "high")
                ),
                "seconds of audio a second": round(_speed(figures)),
                "memory MiB": round(figures["memory_mib"]),
                "load s": f"{figures['load_s']:.1f}",
                "off": f"{figures['off']:.0e}",
            }


def _sizes_of_variants() -> dict[str, Figures]:
    """Return the sizes of architectures with other mel bands, by `Result.cost`."""
    variants = [(each.cost, each.architecture, each.n_mels) for each in TABLE_4_10 if each.n_mels]
    return {
        cost: _kept(cost) or _keep(cost, size(architecture, n_mels))
        for cost, architecture, n_mels in variants
        if cost and architecture
    }


def _costs(sizes: dict[str, Figures]) -> Costs:
    """Return the costs to ship, with the speed in float32."""
    found = machine()
    costs = {
        name: Cost(
            its["parameters"],
            round(its["gflop_a_minute"], 1),
            {
                backend.value: round(_speed(figures))
                for backend in (Backend.OPENVINO, Backend.TENSORFLOW)
                for figures in (_kept(f"{name}-{backend}-{Precision.FLOAT32}"),)
                if figures and "refused" not in figures
            },
        )
        for name, its in sizes.items()
    }
    return Costs(f"{found['cores']} cores of {found['processor']}, float32", costs)


def _notes() -> list[str]:
    refused = {
        f"{backend} {precision}": figures["refused"]
        for backend, precision in ENGINES
        for figures in (_kept(f"fcn-{backend}-{precision}") or {},)
        if "refused" in figures
    }
    return [
        "GFLOP: the network's, of windows side by side, without the front end; the constant "
        "filters that real weights have are not there to be folded away.",
        "off: largest difference of a score from the same network in TensorFlow and float32.",
        *(f"{engine}: {reason}" for engine, reason in refused.items()),
    ]


def _speed(figures: Figures) -> float:
    """Seconds of audio scored per second, windows adjacent."""
    return float(figures["windows_median"]) * float(figures["window_s"])


def _draw(sizes: dict[str, Figures]) -> None:
    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(11, 5.5), layout="constrained")
        for axes, dataset in zip(figure.subplots(1, 2), (MTAT, MSD), strict=True):
            _panel(axes, dataset, comparable_roc_auc(dataset), sizes)
        figure.suptitle("What tagging costs, and how much of it goes wrong")
        figure.savefig(PICTURE, dpi=150)


def _panel(
    axes: Axes, dataset: str, published: dict[str, float], sizes: dict[str, Figures]
) -> None:
    points = {name: (sizes[name]["gflop_a_minute"], 1 - auc) for name, auc in published.items()}
    axes.scatter(*zip(*points.values(), strict=True), color="#0072b2", zorder=3)
    axes.set(xscale="log", yscale="log", title=dataset)
    axes.set(xlabel="GFLOP a minute of audio", ylabel="1 - published ROC-AUC")
    axes.yaxis.set_major_formatter("{x:.3f}")
    axes.yaxis.set_minor_formatter("{x:.3f}")
    axes.grid(which="both", alpha=0.25)
    axes.margins(x=0.25, y=0.15)
    names = [axes.text(*point, name) for name, point in points.items()]
    adjust_text(names, ax=axes, arrowprops={"arrowstyle": "-", "color": "0.6"})


def _keep(key: str, figures: Figures) -> Figures:
    _file(key).write_text(json.dumps({"machine": machine(), "figures": figures}) + "\n")
    return figures


def _kept(key: str) -> Figures | None:
    """What was measured on this machine with this commit."""
    try:
        kept = json.loads(_file(key).read_text())
    except (OSError, ValueError):
        return None
    figures: Figures = kept["figures"]
    return figures if kept["machine"] == machine() else None


def _file(key: str) -> Path:
    return KEPT / f"{key}.json"


if __name__ == "__main__":
    main()
