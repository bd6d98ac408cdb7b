"""From the route to the model there are four hops: route, tagger, pipeline, engine."""

import ast
import importlib
from pathlib import Path

import pytest

from app.inference.engine import Engine
from app.inference.pipeline import InferencePipeline
from app.tagging.tagger import Tagger

HOPS = {
    "route to tagger": ("app.api.routes.suggest_tags", Tagger, "infer"),
    "tagger to pipeline": ("app.tagging.tagger", InferencePipeline, "run"),
    "pipeline to engine": ("app.inference.batcher", Engine, "score"),  # batching is its inside
}


@pytest.mark.parametrize("hop", HOPS)
def test_each_hop_calls_the_next_one_directly(hop: str) -> None:
    module, called, method = HOPS[hop]
    file = Path(importlib.import_module(module).__file__ or "")

    calls = {
        node.func.attr
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    assert callable(getattr(called, method))
    assert method in calls
