"""Dependencies of routes, as annotated aliases."""

from typing import Annotated

from fastapi import Depends, Request

from app.metrics import Metrics
from app.services import Services
from app.stages import StageClock


def services_of(request: Request) -> Services:
    """Return the services that the application was created with."""
    services: Services = request.app.state.services
    return services


def metrics_of(request: Request) -> Metrics:
    """Return the metrics of the service."""
    return services_of(request).metrics


def request_id_of(request: Request) -> str:
    """Return the request's id."""
    request_id: str = request.state.request_id
    return request_id


def client_of(request: Request) -> str:
    """Return the client that permits and turns are counted for; the route must be guarded."""
    client: str = request.state.counted_as
    return client


# The framework runs each dependency that is not a coroutine in a thread.
async def _services(request: Request) -> Services:
    return services_of(request)


async def _clock(request: Request) -> StageClock:
    clock: StageClock = request.state.clock
    return clock


ServicesDep = Annotated[Services, Depends(_services)]
ClockDep = Annotated[StageClock, Depends(_clock)]
