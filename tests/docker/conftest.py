"""The objects that `docker/kubernetes` makes."""

import shutil
import subprocess

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.support.kubernetes import Object


@pytest.fixture(scope="session")
def objects() -> list[Object]:
    """All objects, as `kubectl apply --kustomize` sends them."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    built = subprocess.run(
        [kubectl, "kustomize", REPOSITORY / "docker" / "kubernetes"],
        check=True,
        capture_output=True,
        text=True,
    )
    return list(yaml.safe_load_all(built.stdout))
