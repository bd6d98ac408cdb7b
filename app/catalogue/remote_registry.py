"""Calls the registry and the index of a run, which are in other processes of the cluster."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from app.catalogue.registry import Registry

if TYPE_CHECKING:
    from ray.actor import ActorHandle

    from app.catalogue.descriptor_table import DescriptorIndex

T = TypeVar("T")


def start_registry(out: str) -> Registry:
    """Start the registry of a run, on the machine of the command.

    Args:
        out: The catalogue.

    Returns:
        What has the methods of the registry, and can be sent to other processes.
    """
    return _start(Registry, out)


def start_descriptor_index(out: str) -> "DescriptorIndex":
    """Start the index of a run's descriptors; as `start_registry`."""
    from app.catalogue.descriptor_table import DescriptorIndex  # noqa: PLC0415 - an extra

    return _start(DescriptorIndex, out)


def _start(kind: Callable[[str], T], out: str) -> T:
    """Start an object in a process of its own; if that dies, Ray starts it again."""
    import ray  # noqa: PLC0415 - an extra
    from ray.util.scheduling_strategies import (  # noqa: PLC0415
        NodeAffinitySchedulingStrategy as OnNode,
    )

    here = OnNode(ray.get_runtime_context().get_node_id(), soft=True)
    options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1}
    actor = ray.remote(kind).options(**options, scheduling_strategy=here)
    return cast("T", _RemoteObject(actor.remote(out)))


class _RemoteObject:
    """Has the methods of an object in another process; each takes about a millisecond."""

    def __init__(self, handle: "ActorHandle") -> None:
        self._handle = handle

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a function that calls a method and waits for its answer."""
        if name.startswith("_"):  # pickle asks for such
            raise AttributeError(name)
        import ray  # noqa: PLC0415 - an extra

        method = getattr(self._handle, name)

        def call(*arguments: object) -> Any:  # noqa: ANN401
            try:
                return ray.get(method.remote(*arguments))
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None

        return call
