"""The manifest for Kubernetes: its parts agree with each other, with the lock and the command."""

import re
import shlex

import pytest
import yaml
from typer.main import get_command

from app.cli.commands import app
from tests.conftest import REPOSITORY
from tests.support.kubernetes import Object, as_pod_template, assert_valid

MANIFEST = REPOSITORY / "docker" / "kuberay.yaml"
LOCK = REPOSITORY / "requirements" / "ray.lock"

UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "": 1}


@pytest.fixture(scope="module")
def objects() -> dict[str, Object]:
    """The objects, by kind."""
    loaded = list(yaml.safe_load_all(MANIFEST.read_text()))
    return {each["kind"]: each for each in loaded}


@pytest.fixture(scope="module")
def pods(objects: dict[str, Object]) -> dict[str, Object]:
    """The templates of pods."""
    cluster = objects["RayCluster"]["spec"]
    workers = {each["groupName"]: each["template"] for each in cluster["workerGroupSpecs"]}
    job = objects["Job"]["spec"]["template"]
    return {"head": cluster["headGroupSpec"]["template"], "job": job, **workers}


def size(quantity: str) -> int:
    """Return the bytes of a quantity, such as `4Gi`."""
    number, unit = re.fullmatch(r"(\d+)(\w*)", quantity).groups()
    return int(number) * UNITS[unit]


def script(objects: dict[str, Object]) -> list[list[str]]:
    """Return the commands of the job, word by word."""
    [text] = objects["Job"]["spec"]["template"]["spec"]["containers"][0]["args"]
    return [shlex.split(line) for line in text.replace("\\\n", " ").splitlines()]


def test_all_objects_have_a_kind_a_version_and_the_same_name(objects: dict[str, Object]) -> None:
    versions = {kind: each["apiVersion"] for kind, each in objects.items()}
    assert versions == {
        "RayCluster": "ray.io/v1",
        "Job": "batch/v1",
        "NetworkPolicy": "networking.k8s.io/v1",
    }
    assert {each["metadata"]["name"] for each in objects.values()} == {"taggram-catalogue"}


def test_core_kinds_and_templates_of_pods_are_valid(
    objects: dict[str, Object], pods: dict[str, Object]
) -> None:
    for kind in ("Job", "NetworkPolicy"):
        assert_valid(objects[kind])
    for pod in pods.values():
        assert_valid(as_pod_template(pod))


def test_ray_is_the_locked_one(objects: dict[str, Object]) -> None:
    [locked] = re.findall(r"^ray==(\S+)", LOCK.read_text(), re.MULTILINE)
    cluster = objects["RayCluster"]["spec"]
    assert cluster["rayVersion"] == locked
    assert cluster["autoscalerOptions"]["image"].startswith(f"rayproject/ray:{locked}-")
    assert f"ray=={locked}" in (REPOSITORY / "requirements" / "dev.lock").read_text()


def test_the_cluster_scales_between_limits_and_its_head_tags_nothing(
    objects: dict[str, Object],
) -> None:
    cluster = objects["RayCluster"]["spec"]
    assert cluster["enableInTreeAutoscaling"] is True
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    for group in cluster["workerGroupSpecs"]:
        assert 1 <= group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_every_value_of_ray_start_is_a_string(objects: dict[str, Object]) -> None:
    cluster = objects["RayCluster"]["spec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())


def test_all_pods_have_the_same_image_and_are_confined(pods: dict[str, Object]) -> None:
    containers = [pod["spec"]["containers"][0] for pod in pods.values()]
    assert len({each["image"] for each in containers}) == 1
    for pod, container in zip(pods.values(), containers, strict=True):
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["requests"] == container["resources"]["limits"]


def test_all_have_the_token_and_those_that_read_tracks_the_credentials(
    objects: dict[str, Object], pods: dict[str, Object]
) -> None:
    users = {name: pod["spec"]["containers"][0] for name, pod in pods.items()}
    users["autoscaler"] = objects["RayCluster"]["spec"]["autoscalerOptions"]
    secrets = {
        name: {each["secretRef"]["name"] for each in user["envFrom"]}
        for name, user in users.items()
    }
    assert all("taggram-ray" in names for names in secrets.values())
    assert {name for name, names in secrets.items() if "taggram-catalogue" in names} == {
        "cpu",
        "job",
    }


def test_the_network_policy_covers_all_pods(
    objects: dict[str, Object], pods: dict[str, Object]
) -> None:
    policy = objects["NetworkPolicy"]["spec"]
    wanted = policy["podSelector"]["matchLabels"].items()
    assert all(wanted <= pod["metadata"]["labels"].items() for pod in pods.values())
    [rule] = policy["ingress"]
    assert rule["from"] == [{"podSelector": policy["podSelector"]}]


def test_object_stores_fit_into_shared_memory(
    objects: dict[str, Object], pods: dict[str, Object]
) -> None:
    cluster = objects["RayCluster"]["spec"]
    stores = {
        "head": cluster["headGroupSpec"]["rayStartParams"],
        **{each["groupName"]: each["rayStartParams"] for each in cluster["workerGroupSpecs"]},
        "job": dict(
            word[2:].split("=") for word in script(objects)[0] if word.startswith("--object-store")
        ),
    }
    for name, pod in pods.items():
        volumes = {each["name"]: each["emptyDir"] for each in pod["spec"]["volumes"]}
        mounts = {m["mountPath"]: m["name"] for m in pod["spec"]["containers"][0]["volumeMounts"]}
        shared = volumes[mounts["/dev/shm"]]
        assert shared["medium"] == "Memory"
        assert int(stores[name]["object-store-memory"]) < size(shared["sizeLimit"])
        memory = pod["spec"]["containers"][0]["resources"]["limits"]["memory"]
        assert size(shared["sizeLimit"]) < size(memory)


def test_the_job_uses_options_that_the_command_has(objects: dict[str, Object]) -> None:
    start, (_, program, *names_and_options) = script(objects)
    assert start[:2] == ["ray", "start"]
    assert "--num-cpus=0" in start
    assert program == "taggram"
    command = get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[names_and_options.pop(0)]
    known = {option for each in command.params for option in each.opts}
    used = [word.partition("=") for word in names_and_options if word.startswith("--")]
    assert {name for name, _, _ in used} <= known
    machines = {name: value for name, _, value in used}["--max-machines"]
    groups = objects["RayCluster"]["spec"]["workerGroupSpecs"]
    assert int(machines) == sum(each["maxReplicas"] for each in groups)


def test_head_and_job_name_the_same_service(objects: dict[str, Object]) -> None:
    service = f"{objects['RayCluster']['metadata']['name']}-head-svc:6379"  # KubeRay names it
    assert set(re.findall(r"[\w-]+-head-svc:\d+", MANIFEST.read_text())) == {service}
