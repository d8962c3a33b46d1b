"""The benchmarks of padding run, on a tiny model, and their report says what they found."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest
import transformers
from datasets import Dataset
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from hf_efficient.assets import resolve

ROOT = Path(__file__).parents[2]
LENGTHS = [2, 9, 3, 8, 4, 7, 5, 6]
"""44 tokens; fixed to 10 they are 80."""


@pytest.fixture
def benchmark(monkeypatch):
    """Imports a benchmark; what it tells transformers' logger is undone."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    verbosity = transformers.logging.get_verbosity()
    yield importlib.import_module
    transformers.logging.set_verbosity(verbosity)
    transformers.logging.enable_progress_bar()


@pytest.fixture
def rows(benchmark, tmp_path):
    model = tmp_path / "model"
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    BertForSequenceClassification(BertConfig(vocab_size=400, **sizes)).save_pretrained(model)
    AutoTokenizer.from_pretrained(resolve("demo/tiny-bert")).save_pretrained(model)
    table = {"input_ids": [[7] * n for n in LENGTHS], "length": LENGTHS, "labels": [0, 1] * 4}
    return benchmark("side_by_side").Rows(Dataset.from_dict(table), 2, 10, str(model))


def run(module, monkeypatch, rows, *arguments):
    """What a benchmark writes down when it is run over the tiny rows."""
    path = Path(rows.model).parent / f"{module.__name__}.json"
    monkeypatch.setattr(module, "encoded", lambda *_: rows)
    monkeypatch.setattr(sys, "argv", [module.__name__, *arguments, "--json", str(path)])
    module.main()
    return json.loads(path.read_text())


def test_training_throughput_and_its_limits(benchmark, monkeypatch, rows, capsys):
    module = benchmark("padding")
    monkeypatch.setattr(module, "BATCH", 2)
    result = run(module, monkeypatch, rows, "--rounds", "2", "--rows", "8", "8")["results"]["demo/20newsgroups"]
    assert result["tokens_per_row"] == 5.5
    assert result["speedup_over"]["fixed"]["limit"] == pytest.approx(80 / 44)
    # Pairs of neighbours by length: 2 × (3 + 5 + 7 + 9) tokens.
    assert result["tokens_computed_per_token"]["bucketed"] == pytest.approx(48 / 44)
    assert 48 / 44 <= result["speedup_over"]["dynamic"]["limit"] < 80 / 44
    assert len(result["speedup_over"]["dynamic"]["all"]) == 2
    assert "over dynamic" in capsys.readouterr().out


def test_evaluation_gives_the_same_metrics(benchmark, monkeypatch, rows, capsys):
    module = benchmark("evaluation")
    monkeypatch.setattr(module, "BATCH", 2)
    result = run(module, monkeypatch, rows, "--rounds", "1", "--rows", "8")["results"]["demo/20newsgroups"]
    assert result["metrics"]["dynamic"]["eval_loss"] == pytest.approx(result["metrics"]["bucketed"]["eval_loss"])
    # As the rows come: 2 × (9 + 8 + 7 + 6) tokens.
    assert result["speedup_over"]["dynamic"]["limit"] == pytest.approx(60 / 44)
    assert result["tokens_computed_per_token"]["bucketed"] == pytest.approx(48 / 44)
    unequal = {
        "dynamic": {"eval_accuracy": 0.5, "eval_loss": 1.0},
        "bucketed": {"eval_accuracy": 0.5, "eval_loss": 1.00001},
    }
    with pytest.raises(SystemExit, match="1e-05"):
        module.largest_difference(unequal)


def test_scoring_a_pool(benchmark, monkeypatch, rows, capsys):
    module = benchmark("active_scoring")
    monkeypatch.setattr(module, "BATCH", 2)
    monkeypatch.setattr(module, "DATA", {"demo/20newsgroups": 10})
    result = run(module, monkeypatch, rows, "--rounds", "2", "--rows", "8")["results"]["demo/20newsgroups"]
    assert result["speedup_over_fixed"]["limit"] == pytest.approx(80 / 44)
    assert len(result["speedup_over_fixed"]["all"]) == 2
    assert "times as many rows a second as padded to 10" in capsys.readouterr().out
    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    with pytest.raises(SystemExit, match="the probabilities differ by"):
        module.compare("demo/20newsgroups", 8, 1)


def test_an_epoch_over_kept_hidden_states(benchmark, monkeypatch, rows, capsys, tmp_path):
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path))  # which the benchmark sets
    module = benchmark("prefix_cache")
    assert module.foretold(0, 4) == pytest.approx(6 / 10)
    assert module.foretold(2, 6) == pytest.approx(2 / 8)
    monkeypatch.setattr(module, "LAYERS", 2)
    monkeypatch.setattr(module, "FROZEN", {"1 of 2": 1})
    result = run(module, monkeypatch, rows, "--rounds", "1", "--rows", "8")["results"]["1 of 2"]
    assert result["ratio"]["median"] == result["seconds"]["cached"]["median"] / result["seconds"]["computed"]["median"]
    assert 44 * 16 * 2 <= result["bytes"] <= 44 * 16 * 4 + 128
    assert "cached / computed" in capsys.readouterr().out


def test_distillation_with_kept_answers(benchmark, monkeypatch, rows, capsys):
    module = benchmark("distillation")
    assert module.foretold(3, 2, 4) == pytest.approx(3.5 / 5)
    monkeypatch.setattr(module, "BATCH", 2)
    monkeypatch.setattr(module, "LAYERS", 1)
    result = run(module, monkeypatch, rows, "--rounds", "1", "--rows", "8", "--epochs", "2")["results"]
    steps = result["step_cached_over_plain"]["median"]
    kept = result["seconds"]["cached"]["median"] - result["seconds_to_fill"]["median"]
    assert steps == pytest.approx(kept / result["seconds"]["plain"]["median"])
    assert "foretold from a step" in capsys.readouterr().out


def test_what_difficulty_costs(benchmark, monkeypatch, rows, capsys):
    module = benchmark("curriculum")
    monkeypatch.setattr(module, "BATCH", 2)
    result = run(module, monkeypatch, rows, "--rounds", "1", "--rows", "8")["results"]
    seconds = {name: spent["median"] for name, spent in result["seconds"].items()}
    assert result["cost"]["model"]["median"] == pytest.approx(seconds["model"] / seconds["epoch"])
    assert result["cost"]["training"]["median"] == pytest.approx(seconds["training"] / seconds["epoch"] - 1)
    assert "share of an epoch" in capsys.readouterr().out


def test_peak_memory_is_that_of_a_process(benchmark, rows, tmp_path):
    rows.dataset.save_to_disk(tmp_path / "rows")
    assert benchmark("memory").peak_of("bucketed", str(tmp_path), json.dumps(["2", "10", rows.model])) > 100e6


def test_time_to_accuracy_goes_on_where_it_was_cut_off(benchmark, monkeypatch, rows, capsys):
    module = benchmark("time_to_accuracy")
    monkeypatch.setattr(module, "SCHEDULE", {**module.SCHEDULE, "per_device_train_batch_size": 2})
    arguments = ("--rows", "8", "--held-out", "8", "--every", "3", "--seeds", "0")
    first = run(module, monkeypatch, rows, *arguments)["curves"]["0"]
    assert [point["step"] for point in first["fixed"]] == [3, 4]
    assert run(module, monkeypatch, rows, *arguments, "1")["curves"]["0"] == first
    with pytest.raises(SystemExit, match="other settings"):
        run(module, monkeypatch, rows, *arguments[:4], "--every", "2")
    points = [{"cpu_seconds": 1.0, "accuracy": 0.7}, {"cpu_seconds": 2.0, "accuracy": 0.9}]
    assert module.seconds_to(0.8, points) == 2.0
    assert module.seconds_to(0.95, points) is None


def test_forward_passes_are_compared_with_the_first_model(benchmark, monkeypatch, rows, capsys):
    module = benchmark("forward")
    monkeypatch.setattr(module, "BATCH", 4)
    found = run(module, monkeypatch, rows, rows.model, "--rounds", "3", "--batches", "2")["results"]["fp32"]
    assert found[rows.model]["times_the_first"]["all"] == [1.0, 1.0, 1.0]
    assert "1.00 x the first" in capsys.readouterr().out
    assert [batch.shape for batch in module.batches(2)] == [(4, 5), (4, 9)]


def over(median, limit):
    return {"median": median, "quartiles": [median - 0.1, median + 0.1], "limit": limit}


@pytest.fixture
def results(tmp_path):
    """What the benchmarks might have written."""
    speeds = {name: {"median": rate, "quartiles": [rate, rate]} for name, rate in (("dynamic", 50), ("bucketed", 80))}
    tokens = {"dynamic": 1.8, "bucketed": 1.02}
    measured = {"rows_per_second": speeds, "tokens_computed_per_token": tokens}
    equal = {"eval_accuracy": 0.5, "eval_loss": 1.25}
    ratio = {"fixed": over(0.8, None), "dynamic": over(1.03, None)}
    curves = {
        name: [{"step": 1, "cpu_seconds": t, "accuracy": 0.82}, {"step": 2, "cpu_seconds": 2 * t, "accuracy": last}]
        for name, t, last in (("fixed", 40.0, 0.84), ("dynamic", 12.0, 0.825), ("bucketed", 8.0, 0.85))
    }
    documents = {
        "padding": {
            "demo/movie-sentiment": {**measured, "speedup_over": {"fixed": over(4, 4.8), "dynamic": over(1.7, 1.8)}}
        },
        "evaluation": {
            "demo/20newsgroups": {
                **measured,
                "speedup_over": {"dynamic": over(1.2, 1.5)},
                "metrics": {"bucketed": equal},
                "largest_metric_difference": 2e-8,
            }
        },
        "memory": {"demo/20newsgroups": {"peak_bytes": {"fixed": {"median": 2e9}}, "ratio_to": ratio}},
    }
    for name, content in documents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"results": content}))
    (tmp_path / "time_to_accuracy.json").write_text(json.dumps({"curves": {"7": curves}}))
    return tmp_path


def test_the_report_fills_the_note_and_draws_the_figure(benchmark, monkeypatch, results):
    note = results / "padding.md"
    note.write_text((ROOT / "docs" / "results" / "padding.md").read_text())
    monkeypatch.setattr(sys, "argv", ["padding_report", "--results", str(results), "--note", str(note)])
    module = benchmark("padding_report")
    monkeypatch.setattr(module, "ACCURACY", 0.83)
    module.main()
    text = note.read_text()
    # 4 of 4.8 is under 90 % of the limit, 1.7 of 1.8 is not.
    assert "| demo/movie-sentiment | fixed length | 4.00 (3.90 to 4.10) × | 4.80 × | 83% | **missed** |" in text
    assert "| demo/movie-sentiment | dynamic | 1.70 (1.60 to 1.80) × | 1.80 × | 94% | met |" in text
    assert "the largest difference is 2e-08" in text
    assert "| demo/20newsgroups | 2,000 MB | 0.800 (0.700 to 0.900) | 1.030 (0.930 to 1.130) | **missed** |" in text
    assert "| fixed length | 5.00 × (seeds: 5.00) | 5.00 × (seeds: 5.00) |" in text
    assert "| dynamic | not reached | 1.50 × (seeds: 1.50) |" in text
    assert "| 7 | dynamic | not reached | 24 s | 0.8250 |" in text
    assert "accuracy over CPU time](padding.png)" in text
    assert "Not measured yet" not in text
    assert note.with_suffix(".png").read_bytes()[1:4] == b"PNG"
    module.main()
    assert note.read_text() == text
    with pytest.raises(SystemExit, match="no place for memory"):
        module.fill("a note", {"memory": ""})


def test_the_report_of_an_experiment(benchmark, monkeypatch, tmp_path):
    row = {
        "condition": None,
        "arm": "a",
        "metrics": {"validation": {"accuracy": 0.75}},
        "model": {"trainable_parameters": 10},
        "training": {"cpu_seconds": 4.0},
        "peak_memory_bytes": 5,
        "stored_bytes": {"model": 6, "adapter": None},
    }
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({**row, "arm": "b"}) + "\n")
    note = tmp_path / "note.md"
    note.write_text("before\n<!-- arms -->\n<!-- /arms -->\nafter\n")
    monkeypatch.setattr(sys, "argv", ["", "a", "--rows", str(tmp_path / "rows.jsonl"), "--note", str(note)])
    benchmark("arms_report").main()
    assert "| b | 1 | 0.7500 | 4.0 s | 5 B | 10 | 6 B |" in note.read_text()
    assert note.read_text().endswith("after\n")
    assert note.with_suffix(".png").read_bytes()[1:4] == b"PNG"


def test_views_of_images_are_timed(benchmark, monkeypatch, tmp_path):
    module, path = benchmark("image_views"), tmp_path / "views.json"
    monkeypatch.setattr(module, "KINDS", {"small": (8, 1, "PNG")})
    monkeypatch.setattr(sys, "argv", ["image_views", "--rounds", "2", "--images", "32", "--json", str(path)])
    module.main()
    found = json.loads(path.read_text())["results"]["small"]
    assert found["none"]["times_as_long"]["median"] == 1.0
    assert {"crop", "trivial_augment", "mixup", "cutmix"} < found.keys()
    assert all(len(figures["images_per_second"]["all"]) == 2 for figures in found.values())


def test_the_report_of_active_learning(benchmark, monkeypatch, tmp_path):
    row = {"metric": "accuracy", "greater_is_better": True, "pool": 99, "seed": 1}
    rows = [
        {**row, "strategy": "full", "curve": [[99, 0.8]]},
        {**row, "strategy": "badge", "curve": [[10, 0.5], [20, 0.78]]},
        {**row, "strategy": "random", "curve": [[10, 0.5], [20, 0.6]]},
    ]
    (tmp_path / "active-r8.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    over = {"median": 2.5, "quartiles": [2.4, 2.6], "limit": 3.0}
    scored = {"length": 128, "tokens_per_row": 31.6, "speedup_over_fixed": over}
    (tmp_path / "active_scoring.json").write_text(json.dumps({"results": {"demo/x": scored}}))
    note = tmp_path / "active.md"
    note.write_text((ROOT / "docs" / "results" / "active.md").read_text())
    monkeypatch.setattr(sys, "argv", ["", "--results", str(tmp_path), "--note", str(note)])
    benchmark("active_report").main()
    text = note.read_text()
    assert "| badge | 1 | 0.5000 | 0.7800 | 20 | 20 | 0% |" in text
    assert "all 99 labels: Accuracy 0.8000; 95% of it are 0.7600" in text
    assert "| demo/x | 32 | 128 | 2.50 (2.40 to 2.60) | 3.00 |" in text
    assert "<!-- active-20news -->\nNot measured yet." in text
    assert note.with_name("active-r8.png").read_bytes()[1:4] == b"PNG"


def test_views_of_texts_are_made_many_times_as_fast_as_by_nlpaug(benchmark):
    module = benchmark("augment")
    texts = [f"a film of some words, number {number}" for number in range(2_000)]
    result = module.compare("random_swap", texts, 1, None)
    assert result["times_nlpaug"]["median"] > 5
    assert result["ours_per_second"]["median"] > result["nlpaug_per_second"]["median"]
