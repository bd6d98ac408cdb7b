"""Metrics, documentation and reloading on an address of their own are nowhere else."""

import re
import signal
from collections.abc import Iterator

import httpx
import pytest

from testing.server import STOP_S, STUB, Server, serving
from testing.waiting import wait_for
from tests.support.client import answer, assert_problem, noise_file, post

FOR_OPERATORS = ["/metrics", "/docs", "/openapi.json"]


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The public side of a server with an address for operators; both end together."""
    settings = {
        "TAGGRAM_MODELS": '["msd-musicnn"]',
        "TAGGRAM_OPERATIONS_ADDRESS": "127.0.0.1:0",
    }
    with serving(tmp_path_factory.mktemp("doors") / "log", settings, STUB) as server:
        yield server
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(STOP_S) == 0


@pytest.fixture(scope="module")
def operators(public: Server) -> Iterator[httpx.Client]:
    """The side for operators, on a port that the system chose."""

    def others() -> set[str]:
        urls = set(re.findall(r"running on (http://\S+)", public.log.read_text()))
        return urls - {str(public.http.base_url)}

    wait_for(lambda: bool(others()), "the server for operators to start")
    (url,) = others()
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        yield http


@pytest.mark.parametrize("path", FOR_OPERATORS)
def test_operator_routes_are_not_public(public: Server, path: str) -> None:
    assert_problem(public.http.get(path), 404, "not_found")


def test_the_public_port_does_not_reload_models(public: Server) -> None:
    assert_problem(public.http.post("/models/reload"), 404, "not_found")


@pytest.mark.parametrize("path", FOR_OPERATORS)
def test_the_admin_port_has_the_operator_routes(operators: httpx.Client, path: str) -> None:
    assert operators.get(path, follow_redirects=True).status_code == httpx.codes.OK


def test_the_admin_port_reloads_models(operators: httpx.Client) -> None:
    assert [model["name"] for model in answer(operators.post("/models/reload"))] == ["msd-musicnn"]


def test_the_admin_port_redirects_to_the_documentation(operators: httpx.Client) -> None:
    assert operators.get("/").headers["Location"] == "/docs"


def test_the_public_port_serves_the_page(public: Server) -> None:
    assert "<tag-suggest" in public.http.get("/").text


def test_both_ports_answer_from_the_same_service(public: Server, operators: httpx.Client) -> None:
    url = answer(post(public, noise_file(4, seed=70)))["taggram_url"]
    assert answer(operators.get(url))["tags"]
    for http in (public.http, operators):
        assert http.get("/health/ready").status_code == httpx.codes.OK
