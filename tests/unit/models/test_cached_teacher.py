from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from transformers import BertForTokenClassification

from hf_efficient.errors import HfEfficientError
from hf_efficient.models.cached_teacher import CachedTeacher, teacher_key
from hf_efficient.models.teacher import Teacher, Top
from tests.tiny import Seq2SeqCase, TokenCase
from tests.tiny_language_models import LanguageCase
from tests.unit.models.test_student import CONFIGS, teacher

ARGS = SimpleNamespace(bf16=False, fp16=False, device=torch.device("cpu"))


def asked(model) -> Teacher:
    return Teacher.on(ARGS, model)


def rows(count: int) -> Dataset:
    plain = [{name: value.tolist() for name, value in row.items()} for row in TokenCase("bert").rows(count)]
    return Dataset.from_list([{**row, "input_ids": [i % 40 for i in row["input_ids"]]} for row in plain]).with_format(
        "torch"
    )


def token_teacher() -> Teacher:
    torch.manual_seed(0)
    return asked(BertForTokenClassification(CONFIGS["bert"]).eval())


def cached(model: Teacher, folder, dataset, *, per_token: bool) -> CachedTeacher:
    made = CachedTeacher(model, folder, dataset, TokenCase.collator, per_token=per_token)
    made.open()
    return made


def batch(dataset: Dataset, *numbers: int) -> dict[str, torch.Tensor]:
    made = TokenCase.collator([dataset[number] for number in numbers])
    return {name: value for name, value in made.items() if name != "labels"}


@pytest.mark.parametrize("per_token", [False, True])
def test_what_is_looked_up_is_what_the_teacher_says(per_token, tmp_path):
    model = token_teacher() if per_token else asked(teacher("bert"))
    dataset = rows(7)
    looked_up = cached(model, tmp_path, dataset, per_token=per_token)
    inputs = batch(dataset, 5, 0, 3)
    mask = inputs["attention_mask"].bool() if per_token else torch.ones(3, dtype=torch.bool)
    torch.testing.assert_close(looked_up.logits(inputs)[mask], model.logits(inputs)[mask])


def count_passes(model: Teacher) -> list[int]:
    passes: list[int] = []
    model.model.register_forward_hook(lambda module, args, output: passes.append(len(output.logits)))
    return passes


def test_a_row_is_answered_once_for_all_students_and_epochs(tmp_path):
    model, dataset = asked(teacher("bert")), rows(7)
    passes = count_passes(model)
    for _ in range(2):
        looked_up = cached(model, tmp_path, dataset, per_token=False)
        looked_up.logits(batch(dataset, 1, 2))
        looked_up.logits(batch(dataset, 2, 6))
    assert sum(passes) == 7


def test_a_view_that_changed_is_a_miss(tmp_path):
    model, dataset = asked(teacher("bert")), rows(4)
    looked_up = cached(model, tmp_path, dataset, per_token=False)
    passes = count_passes(model)
    inputs = batch(dataset, 0, 1)
    inputs["input_ids"][0, 0] += 1
    torch.testing.assert_close(looked_up.logits(inputs), model.logits(inputs))
    assert sum(passes) == 2


def test_another_teacher_has_another_key():
    one, other = teacher("bert"), teacher("bert")
    assert teacher_key(asked(one)) == teacher_key(asked(other))
    with torch.no_grad():
        other.classifier.bias[0] += 1e-6
    assert teacher_key(asked(one)) != teacher_key(asked(other))
    half = Teacher.on(SimpleNamespace(bf16=True, fp16=False, device="cpu"), teacher("bert"))
    assert teacher_key(half) != teacher_key(asked(one))


def test_rows_that_are_the_same_are_answered_once(tmp_path):
    model, dataset = asked(teacher("bert")), rows(3)
    from datasets import concatenate_datasets

    passes = count_passes(model)
    cached(model, tmp_path, concatenate_datasets([dataset, dataset]), per_token=False)
    assert sum(passes) == 3


LANGUAGE = [LanguageCase("llama", packing=True), LanguageCase("llama"), LanguageCase("gpt2"), Seq2SeqCase("t5")]


def language_rows(case, count: int) -> Dataset:
    plain = [{name: list(map(int, value)) for name, value in row.items()} for row in case.rows(count)]
    return Dataset.from_list(plain).with_format("torch")


def collated(case, model):
    """Batches as the task makes them, with what a decoder reads."""
    if not isinstance(case, Seq2SeqCase):
        return case.collator
    shift = model.prepare_decoder_input_ids_from_labels
    return lambda rows: (batch := case.collator(rows)) | {"decoder_input_ids": shift(batch["labels"])}


def learnt(case, batch) -> torch.Tensor:
    """Positions whose logits are compared with a label."""
    labels = batch["labels"] != -100
    return labels if isinstance(case, Seq2SeqCase) else torch.nn.functional.pad(labels, (0, 1))[:, 1:]


@pytest.mark.parametrize("case", LANGUAGE, ids=str)
def test_of_a_language_model_the_likeliest_tokens_are_kept(case, tmp_path):
    """In batches of any company, so at any padded length, no row is asked for again."""
    model = case.make_model().eval()
    asked = Teacher.on(ARGS, model, top=Top(4, 2.0))
    dataset, collator = language_rows(case, 9), collated(case, model)
    looked_up = CachedTeacher(asked, tmp_path, dataset, collator, per_token=True)
    assert looked_up.open() == 9
    passes: list[int] = []
    for numbers in [(0,), (1, 2, 3), (8, 4, 5, 7), (6, 0)]:
        batch = collator([dataset[number] for number in numbers])
        expected = Top(4, 2.0).of(model(**asked.inputs(batch)).logits)
        hook = model.register_forward_hook(lambda *_: passes.append(1))
        found = looked_up.logits(batch)
        hook.remove()
        assert found.shape == expected.shape
        mask = learnt(case, batch)
        torch.testing.assert_close(found[mask], expected[mask], atol=1e-5, rtol=1e-4)
    assert not passes


@pytest.mark.parametrize("case", LANGUAGE, ids=str)
@pytest.mark.parametrize("column", ["input_ids", "position_ids", "decoder_input_ids"])
def test_a_sequence_that_changed_is_a_miss(case, column, tmp_path):
    model = case.make_model().eval()
    asked = Teacher.on(ARGS, model, top=Top(4, 1.0))
    dataset, collator = language_rows(case, 3), collated(case, model)
    looked_up = CachedTeacher(asked, tmp_path, dataset, collator, per_token=True)
    looked_up.open()
    batch = dict(collator([dataset[0]]))
    if column not in batch:
        return
    batch[column] = batch[column].clone()
    batch[column][0, 1] = (batch[column][0, 1] + 1) % 40
    torch.testing.assert_close(looked_up.logits(batch), Top(4, 1.0).of(model(**asked.inputs(batch)).logits))


def test_what_is_kept_is_part_of_the_key():
    model = LanguageCase("llama").make_model()
    keys = {teacher_key(Teacher.on(ARGS, model, top=top)) for top in (None, Top(4, 1.0), Top(4, 2.0), Top(5, 1.0))}
    assert len(keys) == 4


def test_a_disk_without_space_for_all_tokens_is_refused_before_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    case = LanguageCase("llama")
    asked = Teacher.on(ARGS, case.make_model().eval(), top=Top(8, 1.0))
    dataset = language_rows(case, 9).add_column("length", [12] * 9)
    with pytest.raises(HfEfficientError, match=r"they take 0\.0 MB, and the disk has"):
        CachedTeacher(asked, tmp_path, dataset, case.collator, per_token=True).open()
