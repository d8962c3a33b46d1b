"""The page to label on: what it serves and to whom, and a person at it, with a real browser."""

from __future__ import annotations

import http.client
import json
import re
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from hf_efficient.errors import PlanError
from hf_efficient.experiments.active.labellers import web
from hf_efficient.experiments.active.labellers.web import WebLabeller
from hf_efficient.experiments.active.loop import Query
from hf_efficient.experiments.active.run import run_active
from hf_efficient.experiments.active.state import LabelLog
from hf_efficient.recipe import Recipe
from tests.browser import a_browser
from tests.integration.command_line import sentences, write_rows

CLASSES = ("cooking", "sailing")
TEXTS = ["stir the soup", "<b>hoist</b> the sail", "bake the bread", "drop the anchor"]


class Rows:
    """As much of a pool as the page asks for."""

    text_columns = ("text",)

    def texts(self, numbers):
        return [{"text": TEXTS[number]} for number in numbers]

    def image(self, number):
        return None


@pytest.fixture
def labelling(tmp_path, monkeypatch):
    """A served page over rows 1, 3 and 0, and the thread that waits for it."""
    monkeypatch.setattr(web, "_SECONDS_TO_SEE_THE_END", 0)
    log = LabelLog(tmp_path / "labels.jsonl", CLASSES)
    with WebLabeller() as labeller:
        thread = threading.Thread(target=labeller, args=(Query(2, (1, 3, 0), (1, 3, 0), Rows()), log), daemon=True)
        thread.start()
        while labeller.desk is None:
            thread.join(0.01)
            assert thread.is_alive()
        yield SimpleNamespace(labeller=labeller, log=log, thread=thread, path=log.path)
        labeller.desk and labeller.desk.finished.set()


def ask(labelling, method, path, body=None, **headers):
    """Status, headers and content of an answer; `path` begins below the secret."""
    address = re.match(r"http://127.0.0.1:(\d+)(/.*)", labelling.labeller.url)
    connection = http.client.HTTPConnection("127.0.0.1", int(address[1]), timeout=10)
    kind = {"Content-Type": "application/json"} if body is not None else {}
    data = body if body is None or isinstance(body, bytes) else json.dumps(body)
    connection.request(method, path if path.startswith("/") else address[2] + path, data, {**kind, **headers})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def said(labelling, action, **body):
    status, _, content = ask(labelling, "POST", action, body)
    return status, json.loads(content)


def test_only_who_knows_the_secret_is_answered(labelling):
    token = labelling.labeller.token
    assert len(token) >= 20
    assert ask(labelling, "GET", "")[0] == 200
    for path in ("/", "/state", "/wrong/state", f"/{token[:-1]}/state", f"/{token}x/", "//state"):
        assert ask(labelling, "GET", path)[0] == 404
    assert ask(labelling, "POST", "/wrong/undo", {})[0] == 404
    # Another name for this machine is how a page from elsewhere would get in.
    assert ask(labelling, "GET", "state", Host="evil.example")[0] == 404
    assert ask(labelling, "GET", "state", Host="localhost:80")[0] == 200
    assert ask(labelling, "GET", "image/1")[0] == 404


def test_the_page_needs_nothing_from_elsewhere(labelling):
    _, headers, content = ask(labelling, "GET", "")
    page = content.decode()
    assert not re.search(r"https?://|//[a-z]+\.", page)
    nonce = re.search(r"script-src 'nonce-([^']+)'", headers["Content-Security-Policy"])[1]
    assert page.count(f'nonce="{nonce}"') == 2
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def test_rows_come_in_the_order_of_the_query_and_each_answer_is_on_disk(labelling):
    state = json.loads(ask(labelling, "GET", "state")[2])
    assert state == {
        "phase": "label",
        "round": 2,
        "row": {"id": 1, "texts": [TEXTS[1]]},
        "classes": list(CLASSES),
        "done": 0,
        "total": 3,
        "labels": 0,
        "can_undo": False,
    }
    status, state = said(labelling, "label", id=1, label="sailing")
    assert (status, state["row"]["id"], state["done"]) == (200, 3, 1)
    assert LabelLog(labelling.path, CLASSES).labels == {1: "sailing"}
    assert said(labelling, "skip", id=3)[1]["row"]["id"] == 0
    assert said(labelling, "undo")[1]["row"]["id"] == 3
    assert said(labelling, "label", id=3, label="cooking")[0] == 200
    status, state = said(labelling, "label", id=0, label="cooking")
    assert (state["phase"], state["row"], state["done"]) == ("review", None, 3)
    assert labelling.thread.is_alive()
    assert said(labelling, "finish")[0] == 200
    labelling.thread.join(10)
    assert LabelLog(labelling.path, CLASSES).labels == {1: "sailing", 3: "cooking", 0: "cooking"}
    assert json.loads(ask(labelling, "GET", "state")[2]) == {"phase": "train"}
    assert said(labelling, "undo")[0] == 409


def test_what_makes_no_sense_changes_nothing(labelling):
    assert said(labelling, "label", id=3, label="sailing")[0] == 409  # not the row that is shown: a second tab
    assert said(labelling, "label", id=1, label="soup")[0] == 400
    assert said(labelling, "label", id=1)[0] == 400
    assert said(labelling, "undo")[0] == 409
    assert said(labelling, "finish")[0] == 409
    assert said(labelling, "dance")[0] == 409
    for body in (b"{", b"[1]", b"x" * 200_000):
        assert ask(labelling, "POST", "label", body)[0] == 400
    assert ask(labelling, "POST", "undo", b"{}", **{"Content-Type": "text/plain"})[0] == 400
    assert not labelling.path.exists()
    assert labelling.log.settled == set()


def test_a_port_that_is_taken_is_one_line(labelling):
    port = int(re.search(r":(\d+)/", labelling.labeller.url)[1])
    with pytest.raises(PlanError, match=f"--port {port}: can't be served there"), WebLabeller(port):
        pass
    with pytest.raises(PlanError, match="--port 99999"), WebLabeller(99999):
        pass


SHOWN = "return document.querySelector('#row').innerText"


def shows(text):
    return f"return document.querySelector('#row').innerText.includes({json.dumps(text)})"


def test_a_person_labels_two_rounds_in_a_browser(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "cache"))
    write_rows(tmp_path / "rows.csv", [{"text": row["text"]} for row in sentences(24)])
    recipe = Recipe.from_mapping(
        {
            "task": {"type": "text-classification", "labels": list(CLASSES)},
            "model": {"name": "demo/tiny-bert", "initialization": "random"},
            "data": {"train": str(tmp_path / "rows.csv")},
            "training": {"output_dir": str(tmp_path / "run"), "num_train_epochs": 1, "save_strategy": "no"},
            "active": {"labeller": "web", "fast": True, "seed_size": 4, "query_size": 2, "budget": 6},
        }
    )
    lines, ended = [], []
    with a_browser() as browser:
        thread = threading.Thread(target=lambda: ended.append(run_active(recipe, shown=lines.append)), daemon=True)
        thread.start()
        while not lines:
            thread.join(0.05)
            assert thread.is_alive()
        browser.open(lines[0].removeprefix("label at "))
        browser.until("return document.body.dataset.phase === 'label'")
        assert [name.split("\n")[-1] for name in browser.run(BUTTONS)] == ["1cooking", "2sailing"]

        first = browser.run(SHOWN)
        browser.press("2" if "sail" in first or "anchor" in first else "1")
        browser.until(f"return document.querySelector('#row').innerText !== {json.dumps(first)}")
        browser.press("u")
        browser.until(shows(first))
        for done in range(4):
            browser.until(f"return document.querySelector('#progress').value === {done}")
            text = browser.run(SHOWN)
            if done == 2:
                browser.click(f"#choices button:nth-child({2 if 'sail' in text or 'anchor' in text else 1})")
            else:
                browser.press("2" if "sail" in text or "anchor" in text else "1")
        browser.until("return document.body.dataset.phase === 'review'")
        browser.press("\ue007")  # Enter
        browser.until("return document.querySelector('#round').innerText === 'round 1'")
        browser.press("9", "x")  # no classes
        browser.press("s")
        browser.until("return document.querySelector('#progress').value === 1")
        browser.press("1")
        browser.until("return document.body.dataset.phase === 'review'")
        browser.press("\ue007")
        browser.until("return document.querySelector('#round').innerText === 'round 2'")
        browser.press("1")
        browser.until("return document.body.dataset.phase === 'review'")
        browser.press("\ue007")
        browser.until("return document.body.dataset.phase === 'ended'")
        thread.join(60)
    (outcome,) = ended
    assert len(outcome.labels) == 6
    seeds = [row["id"] for row in outcome.rounds[0]["chosen"]]
    rows = (tmp_path / "rows.csv").read_text().splitlines()[1:]
    right = {row: "sailing" if "sail" in rows[row] or "anchor" in rows[row] else "cooking" for row in seeds}
    assert {row: outcome.labels[row] for row in seeds} == right
    log = Path(outcome.directory.labels).read_text()
    assert log.count('"undone": true') == log.count('"skipped": true') == 1


BUTTONS = "return [...document.querySelectorAll('#choices button')].map((button) => button.textContent)"


def test_texts_are_shown_as_they_are(labelling):
    with a_browser() as browser:
        browser.open(labelling.labeller.url)
        browser.until("return document.body.dataset.phase === 'label'")
        assert browser.run(SHOWN) == TEXTS[1]
        assert browser.run("return document.querySelectorAll('#row b').length") == 0
