"""Wrong labels put among the rows."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from hf_efficient.data.label_noise import with_label_noise

FEATURES = Features({"label": ClassLabel(names=["a", "b", "c"]), "text": Value("string")})
ROWS = Dataset.from_dict({"label": [0, 1, 2] * 100, "text": [str(row) for row in range(300)]}, features=FEATURES)


def test_a_share_of_the_labels_is_that_of_another_class():
    noisy = with_label_noise(ROWS, "label", 0.2, seed=0)
    assert noisy.features == ROWS.features
    assert noisy.column_names == ["label", "text"]
    assert noisy["text"][:] == ROWS["text"][:]
    before, after = np.asarray(ROWS["label"]), np.asarray(noisy["label"])
    assert (before != after).sum() == 60
    # Each other class is as likely: of 60 rows 30 move by one.
    assert 18 <= ((after - before) % 3 == 1).sum() <= 42


def test_it_depends_on_the_seed_alone():
    drawn = [with_label_noise(ROWS, "label", 0.2, seed)["label"][:] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("labels", [["x", "y", "x", "y"], [True, False, True, False], [3, 7, 3, 7]])
def test_labels_of_every_kind(labels):
    rows = Dataset.from_dict({"label": labels})
    other = {labels[0]: labels[1], labels[1]: labels[0]}
    noisy = with_label_noise(rows, "label", 0.99, seed=0)
    assert noisy["label"][:] == [other[label] for label in labels]
    assert noisy.features == rows.features


def test_a_column_of_any_name_stays():
    rows = Dataset.from_dict({"noisy": [5, 6], "label": [0, 1], "text": ["a", "b"]})
    noisy = with_label_noise(rows, "label", 0.99, seed=0)
    assert noisy[:] == {"noisy": [5, 6], "label": [1, 0], "text": ["a", "b"]}
