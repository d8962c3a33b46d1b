from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset

from hf_efficient.models import cached_prefix
from hf_efficient.models.cached_prefix import CachedPrefix
from hf_efficient.models.prefix import Prefix, frozen_depth
from hf_efficient.plan import Plan
from hf_efficient.recipe import Freeze
from hf_efficient.techniques import freeze
from tests.tiny import TokenCase
from tests.unit.models.test_student import teacher


def rows(count: int, first: int = 4) -> Dataset:
    """Rows of 3, 4, 5, 3, 4 … tokens, all different."""
    ids = [[first + number, *[7] * (2 + number % 3)] for number in range(count)]
    columns = {"input_ids": ids, "attention_mask": [[1] * len(row) for row in ids], "length": [len(row) for row in ids]}
    return Dataset.from_dict({**columns, "labels": [[0] * len(row) for row in ids]}).with_format("torch")


def frozen(layers: int = 2):
    return freeze.apply(Plan(model=teacher("bert")), Freeze(layers=layers)).model


def opened(folder: Path, model, *tables: Dataset) -> tuple[CachedPrefix, int]:
    prefix = Prefix(model, frozen_depth(model, "here"), "here")
    cached = CachedPrefix(prefix, folder, tables, TokenCase.collator)
    return cached, cached.open(model)


def batch(table: Dataset, *numbers: int) -> dict[str, torch.Tensor]:
    made = TokenCase.collator([table[number] for number in numbers])
    return {name: value for name, value in made.items() if name != "labels"}


def count_calls(model) -> list[int]:
    calls: list[int] = []
    model.bert.encoder.layer[0].attention.register_forward_hook(lambda m, args, out: calls.append(len(out[0])))
    return calls


def test_what_is_looked_up_is_what_the_layers_compute(tmp_path):
    model, table = frozen(), rows(7)
    inputs = batch(table, 5, 0, 3)
    expected = model.eval()(**inputs).logits
    cached, computed = opened(tmp_path, model, table)
    calls = count_calls(model)
    torch.testing.assert_close(model.eval()(**inputs).logits, expected, rtol=1e-5, atol=1e-6)
    assert calls == []
    assert computed == 7
    cached.close()
    torch.testing.assert_close(model(**inputs).logits, expected, rtol=0, atol=0)
    assert calls == [3]


def test_a_view_that_changed_is_computed(tmp_path):
    model, table = frozen(), rows(7)
    inputs = batch(table, 0, 1)
    inputs["input_ids"][0, 1] += 1
    expected = model.eval()(**inputs).logits
    opened(tmp_path, model, table)
    torch.testing.assert_close(model.eval()(**inputs).logits, expected, rtol=0, atol=0)


def test_rows_to_score_are_kept_beside_those_to_train_on(tmp_path):
    model, trained, scored = frozen(), rows(7), rows(3, first=20)
    _, computed = opened(tmp_path, model, trained, scored)
    assert computed == 10
    calls = count_calls(model)
    model(**batch(scored, 0, 2))
    model(**batch(trained, 0, 2))
    assert calls == []


def test_another_run_computes_nothing_whatever_stands_above(tmp_path):
    opened(tmp_path, frozen(), rows(7))
    model = frozen()
    with torch.no_grad():
        model.classifier.weight.add_(1.0)
        model.bert.encoder.layer[2].output.dense.weight.add_(1.0)
    assert opened(tmp_path, model, rows(7))[1] == 0
    model.config.id2label = {0: "no", 1: "yes"}
    assert opened(tmp_path, model, rows(7))[1] == 0


@pytest.mark.parametrize("harm", ["embeddings", "layer", "boundary", "precision"])
def test_other_lower_layers_have_other_states(harm, tmp_path):
    opened(tmp_path, frozen(), rows(7))
    model = frozen(3 if harm == "boundary" else 2)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=harm == "precision"):
        if harm == "embeddings":
            model.bert.embeddings.word_embeddings.weight[7, 0] += 1e-6
        if harm == "layer":
            model.bert.encoder.layer[1].output.dense.bias[0] += 1e-6
        cached, computed = opened(tmp_path, model, rows(7))
        assert computed == 7
        inputs = batch(rows(7), 2, 5, 1, 4, 0, 3, 6)  # from the longest to the shortest, as they were computed together
        found, mask = cached.lookup(inputs), inputs["attention_mask"].bool()
        assert found.dtype == torch.float32  # what a layer norm gives in mixed precision, too
        assert torch.equal(found[mask], cached.prefix.states(model.eval(), inputs)[mask])


def test_fp32_numbers_that_are_multiplied_otherwise_have_other_states(monkeypatch, tmp_path):
    assert opened(tmp_path, frozen(), rows(7))[1] == 7
    monkeypatch.setattr(torch.backends, "fp32_precision", "tf32")
    assert opened(tmp_path, frozen(), rows(7))[1] == 7
    assert opened(tmp_path, frozen(), rows(7))[1] == 0


def test_half_precision_is_kept_bit_for_bit(tmp_path):
    model, table = frozen(), rows(7)
    model.to(torch.bfloat16)
    cached, _ = opened(tmp_path, model, table)
    inputs = batch(table, 0, 3)  # of one length, as they were computed together
    with torch.no_grad():
        states = cached.prefix.states(model.eval(), inputs)
    found = cached.lookup(inputs)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, states, rtol=1e-2, atol=1e-2)
    assert next(tmp_path.rglob("*.npy")).stat().st_size < 7 * 5 * 16 * 2 + 200


@pytest.fixture
def groups_of_four(monkeypatch):
    monkeypatch.setattr(cached_prefix, "rows_of_group", lambda bytes_of_row: 4)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.npy")}


def test_a_fill_that_was_killed_goes_on_to_the_same_bits(groups_of_four, tmp_path):
    opened(tmp_path / "whole", frozen(), rows(10))
    model, calls = frozen(), []

    def kill(module, args, output):
        calls.append(1)
        if len(calls) == 3:  # the first is to see their form
            raise KeyboardInterrupt

    hook = model.bert.encoder.layer[1].output.register_forward_hook(kill)
    with pytest.raises(KeyboardInterrupt):
        opened(tmp_path / "cut", model, rows(10))
    hook.remove()
    assert len(contents(tmp_path / "cut")) == 1
    assert opened(tmp_path / "cut", model, rows(10))[1] == 6
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_damaged_group_is_computed_again(groups_of_four, tmp_path):
    opened(tmp_path, frozen(), rows(10))
    before = contents(tmp_path)
    damaged = sorted(tmp_path.rglob("*.npy"))[0]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    assert opened(tmp_path, frozen(), rows(10))[1] in (4, 2)
    assert contents(tmp_path) == before


def test_the_disk_is_foretold_from_one_row(tmp_path):
    table = rows(6)  # 2 × (3 + 4 + 5) tokens of 16 numbers in fp32
    cached, _ = opened(tmp_path, frozen(), table)
    assert cached.num_bytes(torch.zeros(1, 3, 16)) == 24 * 16 * 4
    (path,) = tmp_path.rglob("*.npy")
    assert np.load(path).nbytes == 24 * 16 * 4
    images = Dataset.from_dict({"labels": [0, 1]})
    cached = CachedPrefix(cached.prefix, tmp_path, [images], TokenCase.collator)
    assert cached.num_bytes(torch.zeros(1, 5, 16)) == 2 * 5 * 16 * 4


def test_long_rows_are_written_a_few_at_a_time():
    assert cached_prefix.rows_of_group(1) == 1024
    assert cached_prefix.rows_of_group(100_000) == 640
    assert cached_prefix.rows_of_group(10**9) == 64
