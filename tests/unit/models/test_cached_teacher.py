from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from transformers import BertForTokenClassification

from hf_efficient.models.cached_teacher import CachedTeacher, teacher_key
from hf_efficient.models.teacher import Teachers
from tests.tiny import TokenCase
from tests.unit.models.test_student import CONFIGS, teacher

ARGS = SimpleNamespace(bf16=False, fp16=False, device=torch.device("cpu"))


def teachers(model) -> Teachers:
    return Teachers.on(ARGS, [model], None)


def rows(count: int) -> Dataset:
    plain = [{name: value.tolist() for name, value in row.items()} for row in TokenCase("bert").rows(count)]
    return Dataset.from_list([{**row, "input_ids": [i % 40 for i in row["input_ids"]]} for row in plain]).with_format(
        "torch"
    )


def token_teacher() -> Teachers:
    torch.manual_seed(0)
    return teachers(BertForTokenClassification(CONFIGS["bert"]).eval())


def cached(model: Teachers, folder, dataset, *, per_token: bool) -> CachedTeacher:
    made = CachedTeacher(model, folder, dataset, TokenCase.collator, per_token=per_token)
    made.open()
    return made


def batch(dataset: Dataset, *numbers: int) -> dict[str, torch.Tensor]:
    made = TokenCase.collator([dataset[number] for number in numbers])
    return {name: value for name, value in made.items() if name != "labels"}


@pytest.mark.parametrize("per_token", [False, True])
def test_what_is_looked_up_is_what_the_teacher_says(per_token, tmp_path):
    model = token_teacher() if per_token else teachers(teacher("bert"))
    dataset = rows(7)
    looked_up = cached(model, tmp_path, dataset, per_token=per_token)
    inputs = batch(dataset, 5, 0, 3)
    mask = inputs["attention_mask"].bool() if per_token else torch.ones(3, dtype=torch.bool)
    torch.testing.assert_close(looked_up.logits(inputs)[mask], model.logits(inputs)[mask])


def count_passes(model: Teachers) -> list[int]:
    passes: list[int] = []
    model.models[0].register_forward_hook(lambda module, args, output: passes.append(len(output.logits)))
    return passes


def test_a_row_is_answered_once_for_all_students_and_epochs(tmp_path):
    model, dataset = teachers(teacher("bert")), rows(7)
    passes = count_passes(model)
    for _ in range(2):
        looked_up = cached(model, tmp_path, dataset, per_token=False)
        looked_up.logits(batch(dataset, 1, 2))
        looked_up.logits(batch(dataset, 2, 6))
    assert sum(passes) == 7


def test_a_view_that_changed_is_a_miss(tmp_path):
    model, dataset = teachers(teacher("bert")), rows(4)
    looked_up = cached(model, tmp_path, dataset, per_token=False)
    passes = count_passes(model)
    inputs = batch(dataset, 0, 1)
    inputs["input_ids"][0, 0] += 1
    torch.testing.assert_close(looked_up.logits(inputs), model.logits(inputs))
    assert sum(passes) == 2


def test_another_teacher_has_another_key():
    one, other = teacher("bert"), teacher("bert")
    assert teacher_key(teachers(one)) == teacher_key(teachers(other))
    with torch.no_grad():
        other.classifier.bias[0] += 1e-6
    assert teacher_key(teachers(one)) != teacher_key(teachers(other))
    half = Teachers.on(SimpleNamespace(bf16=True, fp16=False, device="cpu"), [teacher("bert")], None)
    assert teacher_key(half) != teacher_key(teachers(one))


def test_rows_that_are_the_same_are_answered_once(tmp_path):
    model, dataset = teachers(teacher("bert")), rows(3)
    from datasets import concatenate_datasets

    passes = count_passes(model)
    cached(model, tmp_path, concatenate_datasets([dataset, dataset]), per_token=False)
    assert sum(passes) == 3
