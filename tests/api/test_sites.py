"""Without API keys: the host names that are answered, and the rights of pages of other sites."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
import yaml

from app.access.key_file import create_key
from app.main import create_app
from app.services import Services
from app.settings import Settings
from testing.server import Server
from tests.api.conftest import ORIGIN, Narrow
from tests.conftest import REPOSITORY
from tests.support.client import answer, assert_problem, post
from tests.support.raw_http import exchange

EVIL_HOST = "evil.example"
EVIL = f"https://{EVIL_HOST}"
SECRET = "a secret of tests, thirty-two or more characters"
NAMED = ("taggram", "tags.example", "[2001:db8::1]")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "127.255.0.9:8000",
        "[::1]",
        "[::1]:8000",
        "localhost:",
    ],
)
def test_names_of_this_machine_are_answered(stub: Server, host: str) -> None:
    assert stub.http.get("/limits", headers={"Host": host}).status_code == httpx.codes.OK


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "taggram"),
        *("0.0.0.0", "192.0.2.1", "[2001:db8::1]", "127.1", "2130706433", "0x7f.1"),
        *(
            "",
            ":8000",
            "[::1",
            "::1",
            "localhost:80:80",
            "localhost,evil.example",
            "user@localhost",
        ),
    ],
)
@pytest.mark.parametrize("path", ["/limits", "/docs"])
def test_other_host_names_are_refused(stub: Server, host: str, path: str) -> None:
    problem = assert_problem(stub.http.get(path, headers={"Host": host}), 421, "unknown_host")
    assert "TAGGRAM_ALLOWED_HOSTS" in problem["detail"]


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: localhost\r\n"])
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_a_request_names_one_host(stub: Server, hosts: bytes, version: bytes) -> None:
    response = exchange(stub, b"GET /limits HTTP/%b\r\n%b\r\n" % (version, hosts))
    assert response is not None
    assert response.status_code == httpx.codes.BAD_REQUEST


@pytest.mark.parametrize(
    ("with_keys", "allowed", "refused"),
    [(False, NAMED, EVIL_HOST), (True, NAMED, EVIL_HOST), (True, (), None)],
)
def test_hosts_of_the_setting_are_answered(
    with_keys: bool, allowed: tuple[str, ...], refused: str | None, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    more = {"keys_file": keys, "secret": SECRET} if with_keys else {}
    if with_keys:
        create_key(keys, "shop", admin=False)
    hosts = ["taggram:8000", "tags.example", "[2001:db8::1]:8000", "localhost", EVIL_HOST]

    async def statuses() -> dict[str, int]:
        services = Services(Settings(models=("msd-musicnn",), allowed_hosts=allowed, **more))
        transport = httpx.ASGITransport(create_app(services))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answers = [await client.get("/limits", headers={"Host": host}) for host in hosts]
        await services.close()
        return {host: each.status_code for host, each in zip(hosts, answers, strict=True)}

    assert asyncio.run(statuses()) == {host: 421 if host == refused else 200 for host in hosts}


FOREIGN = {
    "another origin": {"Origin": EVIL},
    "another port of this machine": {"Origin": "http://127.0.0.1:1"},
    "no origin": {"Origin": "null"},
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "another service of the site": {"Sec-Fetch-Site": "same-site"},
    "two origins": [("Origin", ORIGIN), ("Origin", EVIL)],
    "a form that opens a tab": {
        "Origin": EVIL,
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Dest": "document",
    },
}
UNSAFE = [("POST", "/models/reload"), ("POST", "/suggest-tags"), ("POST", "/feedback")]


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize(("method", "path"), [*UNSAFE, ("DELETE", "/web/x"), ("PUT", "/")])
def test_a_page_of_another_site_changes_and_uploads_nothing(
    narrow: Narrow, headers: dict[str, str], method: str, path: str
) -> None:
    response = narrow.server.http.request(method, path, headers=headers)
    assert_problem(response, 403, "cross_site")


OWN = {
    "no browser": {},
    "our own page": {"Sec-Fetch-Site": "same-origin"},
    "an address that was typed": {"Sec-Fetch-Site": "none"},
    "an allowed page": {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
}


@pytest.mark.parametrize("headers", OWN.values(), ids=OWN)
def test_our_own_page_and_allowed_ones_may_upload(narrow: Narrow, headers: dict[str, str]) -> None:
    url = narrow.server.http.base_url
    if headers.get("Sec-Fetch-Site") == "same-origin":
        headers = {**headers, "Origin": f"{url.scheme}://{url.netloc.decode()}"}
    files = {"file": narrow.good}
    assert answer(narrow.server.http.post("/suggest-tags", files=files, headers=headers))


def test_another_site_cannot_tell_whether_a_track_was_analysed(narrow: Narrow) -> None:
    known = answer(post(narrow.server, narrow.good))["track_id"]
    image = {"Accept": "image/png", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}
    seen = [
        narrow.server.http.get("/taggram", params={"track_id": track_id}, headers=image)
        for track_id in (known, "0" * 64)
    ]
    for response in seen:
        assert_problem(response, 403, "cross_site")
    bodies = [{**response.json(), "request_id": ""} for response in seen]
    assert bodies[0] == bodies[1]
    old_browser = narrow.server.http.get("/taggram", params={"track_id": known})
    assert old_browser.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_another_site_may_open_the_page_and_load_the_element(stub: Server) -> None:
    tab = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}
    assert stub.http.get("/", headers=tab).status_code == httpx.codes.OK
    script = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "script", "Origin": EVIL}
    module = stub.http.get("/web/tag-suggest.js", headers=script)
    assert module.status_code == httpx.codes.OK
    assert module.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize("path", ["/limits", "/models", "/taggram", "/nothing", "/metrics", "/"])
def test_answers_and_refusals_are_for_our_own_pages(stub: Server, path: str) -> None:
    response = stub.http.get(path)
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_an_allowed_page_reads_answers_and_shows_pictures(narrow: Narrow) -> None:
    known = answer(post(narrow.server, narrow.good))["track_id"]
    page = {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    image = page | {"Accept": "image/png", "Sec-Fetch-Dest": "image"}
    for response in (
        narrow.server.http.get("/limits", headers=page),
        narrow.server.http.get("/taggram", params={"track_id": known}, headers=image),
    ):
        assert response.status_code == httpx.codes.OK
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_prometheus_calls_the_service_by_a_name_that_compose_allows() -> None:
    docker = REPOSITORY / "docker"
    services = yaml.safe_load((docker / "compose.yaml").read_text())["services"]
    allowed = json.loads(services["taggram"]["environment"]["TAGGRAM_ALLOWED_HOSTS"])
    jobs = yaml.safe_load((docker / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    (service,) = (job for job in jobs if job["job_name"] == "taggram")
    targets = [each for config in service["static_configs"] for each in config["targets"]]
    assert {target.partition(":")[0] for target in targets} <= set(allowed)
