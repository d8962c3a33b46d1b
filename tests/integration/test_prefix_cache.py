"""`freeze.cache` by a recipe: the same run, and what is said where there can be none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import TrainerCallback

from hf_efficient.data import row_cache
from hf_efficient.data.row_cache import RowCache
from hf_efficient.errors import HfEfficientError, PlanError
from hf_efficient.models.prefix import Prefix
from hf_efficient.recipe import Recipe
from hf_efficient.training.explain import explain
from tests.processes import run_processes
from tests.runs import TEACHER, losses, smoke, train, weights
from tests.tiny_writers import save_llama

pytestmark = pytest.mark.usefixtures("own_cache")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hits(monkeypatch) -> list[bool]:
    """Of each batch that was looked up, whether it was there."""
    found: list[bool] = []
    install = Prefix.install

    def watched(self):
        install(self)
        lookup = self._enter

        def enter(*args):
            lookup(*args)
            if self.lookup is not None and self.wanted is None:
                found.append(self.given is not None)

        self._hooks[0].remove()
        self._hooks[0] = self._base.register_forward_pre_hook(enter, with_kwargs=True)

    monkeypatch.setattr(Prefix, "install", watched)
    return found


def kept(folder: Path) -> list[Path]:
    return list((folder / "cache" / "prefixes").rglob("*.npy"))


@pytest.mark.parametrize(
    "settings",
    [
        {"batching.padding": "bucketed"},
        {"batching.padding": "tokens", "batching.max_tokens": 96},
        {"training.gradient_accumulation_steps": 2, "batching.padding": "dynamic"},
        {"distill.teacher": TEACHER},
        {"distill.teacher": TEACHER, "distill.cache": False, "distill.relations": {}},
        {"distill.teacher": TEACHER, "distill.hidden": {}},
        {"training.activation_checkpointing": True},
        {"freeze.layers": "all"},
        {"freeze.train_only": ["bias", "head"]},
        {"training.layerwise_lr_decay": 0.5},
        {"peft.method": "lora"},
    ],
)
def test_it_is_the_run_without_it(settings, hits, tmp_path):
    settings = {"freeze.layers": 1, "training.precision": "fp32", **settings}
    plain = train(smoke(tmp_path / "plain", {**settings, "freeze.cache": False}))
    assert hits == []
    cached = train(smoke(tmp_path / "cached", {**settings, "freeze.cache": True}))
    assert losses(cached) == pytest.approx(losses(plain), rel=1e-5)
    assert cached.metrics["validation"] == pytest.approx(plain.metrics["validation"], rel=1e-5)
    assert hits.count(True) > cached.steps  # training, and the rows to score
    assert hits.count(False) in (0, 1)  # the trial before


TEXTS = [
    {"text": f"the {word} is {word} and {'very ' * (number % 4)}good"} for number, word in enumerate("abcdefghijkl")
]
PROMPTS = [
    {"prompt": f"the {word} is ", "completion": word * (1 + number % 3)} for number, word in enumerate("abcdefg")
]
SENTENCES = [
    {"tokens": ["a", "dog", "runs"][: 1 + number % 3], "tags": ["D", "N", "V"][: 1 + number % 3]} for number in range(9)
]


@pytest.mark.parametrize(
    ("task", "data"),
    [
        ("text-generation", TEXTS[::4]),  # packed into one sequence
        ("text-generation", PROMPTS),
        ("token-classification", SENTENCES),
        ("image-classification", None),
    ],
)
def test_it_is_the_run_without_it_for_other_tasks(task, data, hits, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in data or ()))
    model = {
        "text-generation": {"name": str(tmp_path / "llama")},
        "token-classification": {"name": "demo/tiny-bert", "initialization": "random"},
        "image-classification": {"name": "demo/tiny-vit", "initialization": "random"},
    }[task]
    if task == "text-generation":
        save_llama(tmp_path / "llama")
    files = {"train": str(rows), "validation": str(rows)} if data else {"name": "demo/digits", "limit": 20}
    training = {"num_train_epochs": 2, "per_device_train_batch_size": 4, "precision": "fp32", "logging_steps": 1}

    def run(cache: bool):
        words = {"task": {"type": task}, "model": model, "data": files, "freeze": {"layers": 1, "cache": cache}}
        folder = {"output_dir": str(tmp_path / str(cache)), "eval_strategy": "epoch"}
        return train(Recipe.from_mapping({**words, "training": {**training, **folder}}))

    plain, cached = run(cache=False), run(cache=True)
    assert losses(cached) == pytest.approx(losses(plain), rel=1e-5)
    assert cached.metrics["validation"] == pytest.approx(plain.metrics["validation"], rel=1e-5)
    assert hits.count(True) >= cached.steps


def test_sequences_of_several_lengths_without_a_mask_are_computed(tmp_path):
    save_llama(tmp_path / "llama")
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in TEXTS))
    words = {"task": {"type": "text-generation"}, "model": {"name": str(tmp_path / "llama")}, "freeze": {"layers": 1}}
    recipe = Recipe.from_mapping({**words, "data": {"train": str(rows)}, "training": {"output_dir": str(tmp_path)}})
    (note,) = explain(recipe)["notes"]
    assert note.endswith("rows are of several lengths, and no mask says where they end (data.packing)")


def test_bf16_is_close(tmp_path):
    settings = {"freeze.layers": 1, "training.precision": "bf16", "training.allow_slow": True}
    plain = losses(train(smoke(tmp_path / "plain", {**settings, "freeze.cache": False})))
    assert losses(train(smoke(tmp_path / "cached", {**settings, "freeze.cache": True}))) == pytest.approx(plain, 1e-3)


def _by_two(folder: str) -> tuple[list[float], list[int]]:
    """Losses, and how many rows of each table this process has computed."""
    computed, really = [], RowCache.fill

    def watched(*args):
        computed.append(really(*args))
        return computed[-1]

    RowCache.fill = watched
    config = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    half = {"training.per_device_train_batch_size": 4, "model.config": config, "training.precision": "fp32"}
    found = losses(train(smoke(Path(folder) / "two", {"freeze.layers": 1, "freeze.cache": True, **half})))
    return found, computed


def test_two_processes_share_what_one_computes(tmp_path):
    (found, one), (_, other) = run_processes(2, _by_two, str(tmp_path))
    assert [sorted(table) for table in zip(one, other, strict=True)] == [[0, 48], [0, 16]]
    assert len(kept(tmp_path)) == 2  # rows to train on, and to score
    config = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    alone = {"freeze.layers": 1, "freeze.cache": False, "model.config": config, "training.precision": "fp32"}
    assert found == pytest.approx(losses(train(smoke(tmp_path / "one", alone))), rel=1e-5)


def test_it_is_on_where_rows_are_seen_again_and_said(tmp_path):
    recipe = smoke(tmp_path / "run", {"freeze.layers": 1})
    _, note = explain(recipe)["notes"]
    assert note.startswith("what leaves the 1 frozen layers is computed once, before the first step: 64 rows take ab")
    assert kept(tmp_path) == []
    train(recipe)
    size = sum(path.stat().st_size - 128 for path in kept(tmp_path))  # 128: the head of a file
    assert f"about {size / 1e6:,.1f} MB in {tmp_path / 'cache'}" in note


@pytest.mark.parametrize(
    "settings",
    [
        {"training.num_train_epochs": 1},
        {"training.max_steps": 6},
        {"freeze.cache": False},
        {"freeze.layers": None, "freeze.embeddings": True},
        {"freeze.layers": None, "freeze.train_only": ["bias", "head"]},
    ],
)
def test_it_is_off_where_it_does_not_pay(settings, tmp_path):
    recipe = Recipe.load("smoke", {"freeze.layers": 1, "training.output_dir": str(tmp_path), **settings})
    assert not any("frozen layers" in note for note in explain(recipe)["notes"])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"freeze.layers": None, "freeze.embeddings": True}, "the embeddings and the lowest layer are not frozen as"),
        ({"freeze.cache_max_gb": 1e-6}, "64 rows take 0.1 MB, and freeze.cache_max_gb allows 1e-06 GB"),
        (
            {"freeze.layers": 2, "distill.teacher": TEACHER, "distill.hidden": {}},
            "something else has hooks on the frozen layers",
        ),
        ({"training.torch_compile": True}, "training.torch_compile compiles the whole model"),
    ],
)
def test_a_wish_that_can_not_be_granted_is_refused(settings, reason, tmp_path):
    wish = {"freeze.layers": 1, "freeze.cache": True, **settings}
    with pytest.raises(PlanError, match=f"freeze.cache can't take effect: {reason}"):
        train(smoke(tmp_path / "run", wish))
    if "training.torch_compile" not in settings and settings.get("freeze.layers", 1):
        notes = explain(smoke(tmp_path / "other", {**wish, "freeze.cache": None}))["notes"]
        assert any(note.startswith("what leaves the frozen layers is computed in every epoch: ") for note in notes)


def test_a_trial_that_fails_is_a_reason(tmp_path, monkeypatch):
    def fails(self, *args):
        raise StopIteration("nothing left\nin the model")

    monkeypatch.setattr(Prefix, "refusal", fails)
    reason = "a trial of it ended with StopIteration: nothing left"
    notes = explain(smoke(tmp_path / "automatic", {"freeze.layers": 1}))["notes"]
    assert notes[-1] == f"what leaves the frozen layers is computed in every epoch: {reason}"
    with pytest.raises(PlanError, match=f"^freeze.cache can't take effect: {reason}; take it out.$"):
        explain(smoke(tmp_path / "wanted", {"freeze.layers": 1, "freeze.cache": True}))


def test_a_model_in_parts_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr("hf_efficient.techniques.freeze.cache.is_sharded", lambda model: True)
    with pytest.raises(PlanError, match=r"freeze\.cache can't take effect: the model is sharded over the processes"):
        train(smoke(tmp_path / "run", {"freeze.layers": 1, "freeze.cache": True}))


def test_a_full_disk_stops_a_run_only_if_it_asked_for_a_cache(tmp_path, monkeypatch, caplog):
    real = row_cache.shutil.disk_usage

    def usage(path):
        found = real(path)
        return found._replace(free=0) if "prefixes" in str(path) else found

    monkeypatch.setattr(row_cache.shutil, "disk_usage", usage)
    said = r"the hidden states of the rows can't be kept there \(they take 0\.1 MB, and the disk has 0\.0 free\); free"
    with pytest.raises(HfEfficientError, match=said):
        train(smoke(tmp_path / "wanted", {"freeze.layers": 1, "freeze.cache": True}))
    train(smoke(tmp_path / "automatic", {"freeze.layers": 1}))
    assert "or set freeze.cache: false. The run goes on without them." in caplog.text
    assert "is computed in every epoch" not in caplog.text
    recipe = smoke(tmp_path / "off", {"freeze.layers": 1, "freeze.cache": False})
    train(recipe)
    for name, values in weights(recipe).items():
        assert (
            weights(Recipe.load("smoke", {"training.output_dir": str(tmp_path / "automatic")}))[name] == values
        ).all()


def test_the_saved_model_is_whole_and_plain(tmp_path):
    from transformers import AutoModelForSequenceClassification

    train(smoke(tmp_path / "run", {"freeze.layers": "all"}))
    _, info = AutoModelForSequenceClassification.from_pretrained(tmp_path / "run/model", output_loading_info=True)
    assert not any(info.values())


def test_rows_that_change_on_the_way_are_computed_or_refused(tmp_path, caplog, hits):
    """A collator that draws a new view of each row once training begins; nothing of it was kept."""
    from hf_efficient import EfficientTrainer, Freeze
    from tests.trajectory import arguments
    from tests.unit.models.test_cached_prefix import rows
    from tests.unit.models.test_student import teacher as model

    def run(cache: bool | None) -> float:
        view = [7]

        def collator(few):
            ids = torch.stack([row["input_ids"][:3] for row in few])
            ids[:, 2] = view[0]
            return {"input_ids": ids, "labels": torch.zeros(len(few), dtype=torch.long)}

        class Changes(TrainerCallback):
            def on_epoch_begin(self, args, state, control, **kwargs):
                view[0] += 1

        torch.manual_seed(0)
        args = arguments(str(tmp_path), num_train_epochs=2)
        techniques = [Freeze(layers=2, cache=cache)]
        return (
            EfficientTrainer(model("bert"), args, collator, rows(4), callbacks=[Changes()], techniques=techniques)
            .train()
            .training_loss
        )

    with pytest.raises(PlanError, match="the rows of a batch are not those of the data set"):
        run(True)
    hits.clear()
    assert run(None) == run(False)
    assert caplog.text.count("What leaves the frozen layers is computed in every epoch: the rows of a batch are") == 1
    assert hits == [True, False]  # the trial before, and the first step: then nobody looks any more
