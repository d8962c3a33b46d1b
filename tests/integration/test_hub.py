"""A run is pushed to a stand-in Hub by one process and loaded from it by another."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hf_efficient import hub
from hf_efficient.cli.push import push as push_command
from hf_efficient.errors import HubError, RecipeError, RunDirectoryError
from hf_efficient.recipe import Hub
from hf_efficient.report import write_reports
from tests.hub_server import TOKEN, HubServer
from tests.unit.report import reports

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "good", "bad", "film"]

PUSH = """
import sys
from pathlib import Path
from hf_efficient.errors import HubError
from hf_efficient.hub import push
from hf_efficient.recipe.hub import Hub
try:
    print(push(Path(sys.argv[1]), Hub.model_validate_json(sys.argv[2])))
except HubError as error:
    sys.exit(f"HubError: {error}")
"""

LOAD = """
import sys
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

def logits(name, **where):
    tokenizer = AutoTokenizer.from_pretrained(name, **where)
    model = AutoModelForSequenceClassification.from_pretrained(name, **where).eval()
    with torch.no_grad():
        return model(**tokenizer(["a good film", "bad"], padding=True, return_tensors="pt")).logits, model.config

(local, _), (pushed, config) = logits(sys.argv[1]), logits(sys.argv[2], revision=sys.argv[3])
assert local.shape == (2, 2) and torch.equal(local, pushed), (local, pushed)
print(config.id2label)
"""


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory) -> Path:
    """A tiny BERT with its tokenizer, as a finished run saves them."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("run") / "model"
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
        id2label={0: "negative", 1: "positive"},
        label2id={"negative": 0, "positive": 1},
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    return folder


@pytest.fixture
def run_dir(model_dir, tmp_path) -> Path:
    """A finished run, with everything in it that must stay at home."""
    run = tmp_path / "run"
    (run / "checkpoints" / "checkpoint-1").mkdir(parents=True)
    (run / "model").mkdir()
    for path in model_dir.iterdir():
        (run / "model" / path.name).hardlink_to(path)
    private = ("checkpoints/checkpoint-1/optimizer.pt", "log.jsonl", "notes.txt")
    in_model = ("training_args.bin", "optimizer.pt", "log.jsonl", "trainer_state.json", ".cache")
    for name in (*private, *(f"model/{name}" for name in in_model)):
        (run / name).write_text(TOKEN)
    (run / "recipe.yaml").write_text(reports.RECIPE)
    write_reports(run, reports.single_label(), reports.HISTORY, reports.RECIPE, reports.ASSETS)
    return run


@pytest.fixture
def server():
    with HubServer() as server:
        yield server


def child(script: str, *arguments: object, endpoint: str, home: Path, **environment: str | None):
    """Run Python in a process whose Hub is at `endpoint`; that address is read once, at import."""
    settings = {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",
        "HF_TOKEN": TOKEN,
        "PYTHONWARNINGS": "default",
        "NO_PROXY": "*",
        **environment,
    }
    merged = {name: value for name, value in (os.environ | settings).items() if value is not None}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, env=merged, capture_output=True, text=True, timeout=120, check=False)


def push(run: Path, endpoint: str, home: Path, target: dict | None = None, **environment: str | None):
    settings = json.dumps(target or {"repo_id": "user/name"})
    return child(PUSH, run, settings, endpoint=endpoint, home=home, **environment)


def the_error(result) -> str:
    """The one line that a failed push prints."""
    assert result.returncode == 1, result
    (line,) = result.stderr.splitlines()
    assert line.startswith("HubError: ")
    return line


def test_a_model_that_was_merged_later_is_not_pushed_with_the_card_of_the_adapter(run_dir, server):
    (run_dir / "base").mkdir()
    with pytest.raises(RunDirectoryError, match="upload what `hf-efficient merge` writes with `hf upload`"):
        hub.push(run_dir, Hub(repo_id="user/name"))
    assert not server.repositories


def test_a_pushed_model_loads_back_with_equal_outputs(run_dir, server, tmp_path):
    result = push(run_dir, server.endpoint, tmp_path / "home")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{server.endpoint}/user/name\n"
    loaded = child(LOAD, run_dir / "model", "user/name", "main", endpoint=server.endpoint, home=tmp_path / "other")
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout == "{0: 'negative', 1: 'positive'}\n"
    sha = server.repositories["user/name"].sha("main")
    assert f"GET /user/name/resolve/{sha}/model.safetensors" in server.requests


def test_only_what_is_meant_arrives_and_no_token(run_dir, server, tmp_path):
    assert push(run_dir, server.endpoint, tmp_path).returncode == 0
    repository = server.repositories["user/name"]
    files = repository.branches["main"]
    assert set(files) == {
        "README.md",
        "config.json",
        "model.safetensors",
        "recipe.yaml",
        "report.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert not [name for name, data in files.items() if TOKEN.encode() in data]
    assert files["README.md"] == (run_dir / "README.md").read_bytes()
    assert (repository.private, len(repository.messages)) == (False, 1)


def test_private_and_revision_arrive(run_dir, server, tmp_path):
    target = {"repo_id": "user/name", "private": True, "revision": "trial/1"}
    for _ in range(2):  # The second time the repository and the branch exist.
        result = push(run_dir, server.endpoint, tmp_path, target)
        assert result.stdout == f"{server.endpoint}/user/name/tree/trial%2F1\n", result.stderr
    repository = server.repositories["user/name"]
    assert repository.private
    assert "model.safetensors" in repository.branches["trial/1"]
    assert repository.branches["main"] == {}


def test_a_private_run_does_not_go_to_a_public_repository(run_dir, server, tmp_path):
    assert push(run_dir, server.endpoint, tmp_path).returncode == 0
    (run_dir / "recipe.yaml").write_text("changed: true\n")
    error = the_error(push(run_dir, server.endpoint, tmp_path, {"repo_id": "user/name", "private": True}))
    assert "exists and is public" in error
    assert server.repositories["user/name"].branches["main"]["recipe.yaml"] == reports.RECIPE.encode()


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "did not accept the token"), (403, "may not write there"), (404, "no such user"), (503, "status 503")],
)
def test_a_refusal_is_one_line_with_the_command_to_retry(run_dir, server, tmp_path, status, said):
    server.broken = ("/", status)
    started = time.monotonic()
    error = the_error(push(run_dir, server.endpoint, tmp_path, {"repo_id": "user/name", "private": True}))
    assert time.monotonic() - started < 15
    assert said in error
    assert "out of order" in error
    assert error.endswith(f"then try again: hf-efficient push {run_dir} --repo-id user/name --private")


def test_a_wrong_token_is_refused_and_never_shown(run_dir, server, tmp_path):
    error = the_error(push(run_dir, server.endpoint, tmp_path, HF_TOKEN="hf_wrong"))
    assert "did not accept the token" in error
    assert "hf_wrong" not in error


def test_without_a_token_nothing_is_sent(run_dir, server, tmp_path):
    error = the_error(push(run_dir, server.endpoint, tmp_path / "home", HF_TOKEN=None))
    assert "no token was found; log in with `hf auth login`, or set HF_TOKEN" in error
    assert server.requests == []


def test_a_refused_large_file_is_told_by_its_cause(run_dir, server, tmp_path):
    server.broken = ("/objects/", 403)
    assert "may not write there; check the name" in the_error(push(run_dir, server.endpoint, tmp_path))
    assert server.repositories["user/name"].branches["main"] == {}


def test_a_refused_card_is_told_in_one_line(run_dir, server, tmp_path):
    (run_dir / "README.md").write_text("no metadata\n")
    assert "Invalid metadata in README.md. - no metadata; then" in the_error(push(run_dir, server.endpoint, tmp_path))


def test_a_hub_that_never_answers_is_given_up(run_dir, tmp_path):
    impatient = "import httpx2, hf_efficient.hub\nhf_efficient.hub._TIMEOUT = httpx2.Timeout(0.2)\n"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        error = the_error(
            child(impatient + PUSH, run_dir, '{"repo_id": "user/name"}', endpoint=endpoint, home=tmp_path)
        )
    assert f"{endpoint} did not answer in time" in error


def test_a_dead_hub_fails_within_seconds(run_dir, server, tmp_path):
    server.close()
    started = time.monotonic()
    error = the_error(push(run_dir, server.endpoint, tmp_path))
    assert time.monotonic() - started < 15
    assert f"{server.endpoint} can't be reached" in error


def test_offline_is_said(run_dir, server, tmp_path):
    assert "HF_HUB_OFFLINE is set; unset it" in the_error(push(run_dir, server.endpoint, tmp_path, HF_HUB_OFFLINE="1"))


@pytest.mark.parametrize("missing", ["model/config.json", "report.json", "README.md"])
def test_an_unfinished_run_is_not_pushed(run_dir, missing):
    (run_dir / missing).unlink()
    with pytest.raises(RunDirectoryError, match=f"found no {missing}"):
        hub.published_files(run_dir)


@pytest.fixture
def pushed(monkeypatch) -> list[Hub]:
    """Where the command would have pushed."""
    targets: list[Hub] = []
    monkeypatch.setattr(hub, "push", lambda run, target: targets.append(target) or "https://hub/user/name")
    return targets


SECTION = "hub: {repo_id: user/own, private: true, revision: trial}\n"


@pytest.mark.parametrize(
    ("section", "options", "target"),
    [
        (SECTION, {}, Hub(repo_id="user/own", private=True, revision="trial")),
        (SECTION, {"repo_id": "user/x"}, Hub(repo_id="user/x", private=True, revision="trial")),
        ("", {"repo_id": "user/x"}, Hub(repo_id="user/x")),
        (
            "",
            {"repo_id": "1e3/2", "private": True, "revision": "v1.0"},
            Hub(repo_id="1e3/2", private=True, revision="v1.0"),
        ),
    ],
)
def test_the_command_lays_its_options_over_the_recipe(run_dir, pushed, capsys, section, options, target):
    (run_dir / "recipe.yaml").write_text(reports.RECIPE + section)
    push_command(run_dir, **options)
    assert pushed == [target]
    assert capsys.readouterr().out == "https://hub/user/name\n"


def test_the_command_says_what_is_missing(run_dir, pushed, tmp_path):
    with pytest.raises(HubError, match="say where to push with --repo-id user/name"):
        push_command(run_dir)
    with pytest.raises(RecipeError, match="repo_id"):
        push_command(run_dir, repo_id="not a name")
    with pytest.raises(RunDirectoryError, match=r"found no recipe\.yaml"):
        push_command(tmp_path / "nowhere")
    assert pushed == []
