"""Calls the registry of a run, which is in another process of the cluster."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from app.catalogue.registry import Registry

if TYPE_CHECKING:
    from ray.actor import ActorHandle


def start_registry(out: str) -> Registry:
    """Start the registry of a run, on the machine of the command.

    If its process dies, Ray starts it again.

    Args:
        out: The catalogue.

    Returns:
        What has the methods of the registry, and can be sent to other processes.
    """
    import ray  # noqa: PLC0415 - an extra
    from ray.util.scheduling_strategies import (  # noqa: PLC0415
        NodeAffinitySchedulingStrategy as OnNode,
    )

    here = OnNode(ray.get_runtime_context().get_node_id(), soft=True)
    options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1}
    actor = ray.remote(Registry).options(**options, scheduling_strategy=here)
    return cast("Registry", _RemoteRegistry(actor.remote(out)))


class _RemoteRegistry:
    """Has the methods of `Registry`; each takes about a millisecond."""

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
