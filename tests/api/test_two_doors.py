"""Metrics, documentation and reloading on an address of their own are nowhere else."""

from collections.abc import Iterator

import httpx
import pytest

from testing.server import Server
from tests.api.asking import answer, assert_problem, encoded, noise, post

FOR_OPERATORS = ["/metrics", "/docs", "/openapi.json"]


@pytest.fixture
def operators(exact: Server, operators_port: int) -> Iterator[httpx.Client]:
    """The door for operators."""
    url = f"http://127.0.0.1:{operators_port}"
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        yield http


@pytest.mark.parametrize("path", FOR_OPERATORS)
def test_what_is_for_operators_is_not_at_the_door_for_everybody(exact: Server, path: str) -> None:
    assert_problem(exact.http.get(path), 404, "not_found")


def test_nobody_reloads_at_the_door_for_everybody(exact: Server) -> None:
    assert_problem(exact.http.post("/models/reload"), 404, "not_found")


@pytest.mark.parametrize("path", FOR_OPERATORS)
def test_it_is_at_theirs(operators: httpx.Client, path: str) -> None:
    assert operators.get(path, follow_redirects=True).status_code == httpx.codes.OK


def test_at_theirs_models_are_reloaded(operators: httpx.Client) -> None:
    assert [model["name"] for model in answer(operators.post("/models/reload"))] == ["msd-musicnn"]


def test_the_door_for_operators_opens_on_what_is_theirs(operators: httpx.Client) -> None:
    assert operators.get("/").headers["Location"] == "/docs"


def test_the_page_is_for_everybody(exact: Server) -> None:
    assert "<tag-suggest" in exact.http.get("/").text


def test_both_doors_lead_into_the_same_house(exact: Server, operators: httpx.Client) -> None:
    url = answer(post(exact, encoded(noise(4, seed=70))))["taggram_url"]
    assert answer(operators.get(url))["tags"]
    for door in (exact.http, operators):
        assert door.get("/health/ready").status_code == httpx.codes.OK
