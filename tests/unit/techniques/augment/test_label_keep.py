from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from datasets import Dataset
from transformers import AutoConfig, AutoTokenizer, T5ForSequenceClassification
from transformers.tokenization_utils_base import VERY_LARGE_INTEGER

from hf_efficient.assets import resolve
from hf_efficient.errors import AssetError, PlanError
from hf_efficient.models.teacher import Loaded
from hf_efficient.recipe.augment_models import KeepLabel
from hf_efficient.techniques.augment import label_keep
from hf_efficient.techniques.augment.label_keep import LabelKeeper, with_rows_instead

pytestmark = pytest.mark.usefixtures("own_cache")


class Judged(LabelKeeper):
    """Finds what the first word of a text says: a class and how sure it is of it. Notes what it was asked."""

    asked: list

    @property
    def _key(self):
        return "judged"

    def _answer(self, texts):
        self.asked += texts
        return [" ".join(" ".join(text).split()[:2]) for text in texts]


def judged(confidence: float, *columns: str) -> Judged:
    keeper = Judged(None, confidence, columns or ("text",))
    object.__setattr__(keeper, "asked", [])
    return keeper


def table(*texts: str) -> Dataset:
    return Dataset.from_dict({"text": list(texts), "label": list(range(len(texts)))})


ROWS = table("1 0.6 a", "1 0.99 b", "0 0.9 c", "1 0.5 d", "0 0.8 e")
VIEWS = table("0 0.95 a", "1 0.6 b", "1 0.9 c", "0 0.89 d", "0 0.8 e")
"""Of another class and surely so; of the same; just sure enough; not sure enough; the row itself."""


def test_views_that_are_surely_of_another_class_are_found():
    keeper = judged(0.9)
    assert keeper.flips(ROWS, VIEWS).tolist() == [True, False, True, False, False]
    assert all("e" not in text for (text,) in keeper.asked), "the row itself was asked for"


def test_what_was_answered_is_not_asked_again():
    judged(0.9).flips(ROWS, VIEWS)
    again = judged(0.5)
    assert again.flips(ROWS, VIEWS).tolist() == [True, False, True, True, False]
    assert again.asked == []


def test_both_texts_of_a_pair_are_read():
    rows = Dataset.from_dict({"first": ["1", "1"], "second": ["1.0", "1.0"]})
    views = Dataset.from_dict({"first": ["1", "0"], "second": ["0.7", "1.0"]})
    assert judged(0.9, "first", "second").flips(rows, views).tolist() == [False, True]


def test_rows_stand_in_the_place_of_views():
    found = with_rows_instead(ROWS, VIEWS, np.array([True, False, False, False, True]))
    assert found["text"][:] == ["1 0.6 a", "1 0.6 b", "1 0.9 c", "0 0.89 d", "0 0.8 e"]
    assert found["label"][:] == [0, 1, 2, 3, 4]


@pytest.fixture
def t5():
    """A teacher that reads texts of any length."""
    tokenizer = AutoTokenizer.from_pretrained(resolve("demo/tiny-t5"))
    tokenizer.model_max_length = VERY_LARGE_INTEGER
    config = AutoConfig.from_pretrained(resolve("demo/tiny-t5"), d_model=32, d_ff=32, num_labels=2)
    return Loaded("t5", T5ForSequenceClassification(config).eval(), tokenizer)


def test_a_teacher_without_a_longest_text_reads_all(t5):
    (answer,) = LabelKeeper(t5, 0.9, ("text",))._answer([("a long text " * 30,)])
    assert answer.split()[0] in "01"


def test_answers_are_kept_apart_by_weights_and_tokenizer(t5):
    keys = [LabelKeeper(t5, 0.9, ("text",))._key for _ in range(2)]
    t5.tokenizer.add_tokens("sail")
    keys.append(LabelKeeper(t5, 0.9, ("text",))._key)
    t5.model.transformer.shared.weight.data[0] += 1
    keys.append(LabelKeeper(t5, 0.9, ("text",))._key)
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_a_teacher_that_is_not_at_hand_is_named():
    with pytest.raises(AssetError, match=r"augment\.keep_label\.teacher is demo/minilm-l6, .*assets fetch demo/minilm"):
        label_keep.check(KeepLabel(teacher="demo/minilm-l6"), str)


def test_labels_that_are_no_classes_are_refused():
    task = SimpleNamespace(facts=lambda: {"problem": "regression"})
    with pytest.raises(PlanError, match=r"augment\.keep_label can't take effect: .* a regression problem; take it out"):
        LabelKeeper.of(KeepLabel(teacher="x"), SimpleNamespace(task=task, place=str))
