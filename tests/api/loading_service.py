"""The stub service, with models that load when a test lets them.

It is run as `python -m tests.api.loading_service serve`.

The file that LOADING names is empty while a model is being loaded; then it holds `loaded`, or the
name of an exception and its message.
"""

import builtins
import os
import time
from pathlib import Path

from app import errors
from app.inference.engine import Engine
from app.inference.pool import EngineSpec
from app.store.manifest.manifest import Manifest
from testing import stub_service
from testing.stub_engine import load_stub_engine


def load(manifest: Manifest, engine_spec: EngineSpec | None) -> Engine:
    """Load a model once the file says how."""
    file = Path(os.environ["LOADING"])
    while not (outcome := file.read_text()):
        time.sleep(0.01)
    if outcome != "loaded":
        name, _, message = outcome.partition(": ")
        raise getattr(errors, name, getattr(builtins, name, None))(message)
    return load_stub_engine(manifest, engine_spec)


if __name__ == "__main__":
    stub_service.load_stub_engine = load
    stub_service.app()
