"""Checks objects of Kubernetes against its published schemas, without a cluster."""

from typing import Any

import kubernetes_validate

VERSIONS = ("1.30", "1.37")
"""The oldest version that manifests are made for, and the newest one with schemas here."""

Object = dict[str, Any]


def assert_valid(kubernetes_object: Object) -> None:
    """Check an object of a core kind; unknown fields are errors too."""
    for version in VERSIONS:
        kubernetes_validate.validate(kubernetes_object, version, strict=True)


def as_pod_template(template: Object) -> Object:
    """Return the template of pods in an object of a custom kind as an object of a core kind."""
    return {"apiVersion": "v1", "kind": "PodTemplate", "template": template}
