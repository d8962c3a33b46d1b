"""What a loop is held to, and when its predictions are stable."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hf_efficient.experiments.active.learners import Scored
from hf_efficient.experiments.active.loop import Loop
from hf_efficient.experiments.active.pool import load_pool
from hf_efficient.experiments.active.state import ActiveDirectory
from hf_efficient.recipe import Recipe


def pool_of(train, **words):
    data = {"name": None, "train": str(train)} if train.is_file() else {"name": str(train)}
    return load_pool(Recipe.load("smoke", {"data": data, "active": {}, **words}))


def test_a_simulation_is_known_by_its_texts_and_all_of_its_labels(tmp_path):
    rows = [f"text {number},{'ab'[number % 2]}" for number in range(20)]
    digests = set()
    for name, changed in (("a", rows), ("b", ["text x,a", *rows[1:]]), ("c", ["text 0,b", *rows[1:]])):
        path = tmp_path / f"{name}.csv"
        path.write_text("text,label\n" + "\n".join(changed) + "\n")
        (tmp_path / "scored.csv").write_text("text,label\nd,a\ne,b\n")
        pool = pool_of(path, **{"data.validation": str(tmp_path / "scored.csv")})
        digests.add((pool.digest, pool.digest_of_labels))
    assert len({pool for pool, _ in digests}) == len({labels for _, labels in digests}) == 2
    assert len(digests) == 3
    (tmp_path / "scored.csv").write_text("text,label\nd,b\ne,a\n")
    assert pool_of(path, **{"data.validation": str(tmp_path / "scored.csv")}).digest not in {d for d, _ in digests}


def test_images_are_known_by_their_files(tmp_path):
    digests = []
    for size in (4, 8):
        for number in range(4):
            place = tmp_path / "images" / "train" / "ab"[number % 2] / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (size, size), (number * 9,) * 3).save(place)
        words = {"task": "image-classification", "model.name": "demo/tiny-vit", "data.validation_size": 0.5}
        pool = pool_of(tmp_path / "images", **words)
        assert pool.digest == pool_of(tmp_path / "images", **words).digest
        digests.append(pool.digest)
    assert digests[0] != digests[1]


def test_predictions_agree_as_far_as_rows_without_a_label_go(tmp_path):
    recipe = Recipe.load("smoke", {"active": {}})
    loop = Loop(recipe, range(4), ActiveDirectory(tmp_path), None, None, None)

    def agreement(number, predicted, labels):
        return loop._agreement(number, Scored(np.eye(2)[predicted], None), dict.fromkeys(labels, "a"))

    assert agreement(1, [0, 1, 0, 1], []) is None
    assert agreement(2, [1, 0, 0, 1], [0, 1]) == 1.0
    assert agreement(3, [1, 0, 1, 0], [0, 1]) == pytest.approx(-1.0)
    assert agreement(4, [1, 0, 1, 0], [0, 1, 2, 3]) is None
