"""What routes ask for, as annotated aliases."""

from typing import Annotated

from fastapi import Depends, Request

from app.metrics import Metrics
from app.services import Services
from app.stages import StageClock


def services_of(request: Request) -> Services:
    """The object graph that the application was made with."""
    services: Services = request.app.state.services
    return services


def metrics_of(request: Request) -> Metrics:
    """Where to count."""
    return services_of(request).metrics


def request_id_of(request: Request) -> str:
    """This request's id."""
    request_id: str = request.state.request_id
    return request_id


def client_of(request: Request) -> str:
    """The client of a guarded route, where places and turns are shared out."""
    client: str = request.state.counted_as
    return client


# The framework gives a thread to each dependency that is no coroutine.
async def _services(request: Request) -> Services:
    return services_of(request)


async def _clock(request: Request) -> StageClock:
    clock: StageClock = request.state.clock
    return clock


ServicesDep = Annotated[Services, Depends(_services)]
ClockDep = Annotated[StageClock, Depends(_clock)]
