"""What publishing leans on in huggingface_hub."""

from __future__ import annotations

import json

import httpx2
import pytest
from huggingface_hub import HfApi, close_session, get_session, set_client_factory
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import http_backoff
from huggingface_hub.utils._http import default_client_factory

ENDPOINT = "http://hub.test"


@pytest.fixture
def answer():
    """A function that decides what the Hub answers to every request; the list it gives holds the requests."""

    def install(handler) -> list[httpx2.Request]:
        requests: list[httpx2.Request] = []

        def record(request: httpx2.Request) -> httpx2.Response:
            requests.append(request)
            return handler(request)

        set_client_factory(lambda: httpx2.Client(transport=httpx2.MockTransport(record)))
        return requests

    yield install
    set_client_factory(default_client_factory)


def refused(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("refused", request=request)


@pytest.fixture
def api() -> HfApi:
    return HfApi(endpoint=ENDPOINT, token="hf_x")


def test_the_client_still_has_no_timeout_of_its_own():
    close_session()
    assert get_session().timeout == httpx2.Timeout(None)


def test_the_first_call_is_not_repeated_when_nobody_listens(answer, api):
    requests = answer(refused)
    with pytest.raises(httpx2.ConnectError):
        api.create_repo("user/name", exist_ok=True)
    assert len(requests) == 1


def test_later_calls_are_repeated_for_half_a_minute_at_most(answer, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    answer(refused)
    with pytest.raises(httpx2.ConnectError):
        http_backoff("POST", ENDPOINT)
    assert sum(waits) <= 31


@pytest.mark.parametrize(("private", "visibility"), [(True, "private"), (None, None)])
def test_privacy_is_sent_only_when_it_is_asked_for(answer, api, private, visibility):
    requests = answer(lambda _: httpx2.Response(200, json={"url": f"{ENDPOINT}/user/name"}))
    repo = api.create_repo("user/name", private=private, exist_ok=True)
    assert (repo.repo_id, repo.url) == ("user/name", f"{ENDPOINT}/user/name")
    assert json.loads(requests[0].content).get("visibility") == visibility


def test_a_repository_that_exists_is_no_failure(answer, api):
    answer(lambda _: httpx2.Response(409, json={"url": f"{ENDPOINT}/user/name", "error": "exists"}))
    assert api.create_repo("user/name", exist_ok=True).repo_id == "user/name"
    api.create_branch("user/name", branch="trial", exist_ok=True)


def test_refusals_carry_their_status_and_the_servers_words(answer, api):
    answer(lambda _: httpx2.Response(403, json={"error": "read-only token"}))
    with pytest.raises(HfHubHTTPError) as error:
        api.create_repo("user/name")
    assert (error.value.response.status_code, error.value.server_message) == (403, "read-only token")
