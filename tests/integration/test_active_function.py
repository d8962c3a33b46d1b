"""Active learning where a function labels."""

from __future__ import annotations

import pytest

from hf_efficient.errors import DataError, PlanError, RunDirectoryError
from tests.integration.active_loops import learn, unlabelled_rows

pytestmark = pytest.mark.usefixtures("shared_cache")  # the features


def test_a_function_labels(tmp_path):
    unlabelled = unlabelled_rows(tmp_path)
    asked = []

    def label(texts):
        asked.extend(texts)
        return ["sailing" if "sail" in text else "cooking" for text in texts]

    ended = learn(tmp_path / "run", {**unlabelled, "active.budget": 10}, labeller=label)
    assert len(asked) == len(set(asked)) == 10
    assert sorted(ended.labels.values()) == sorted(label(asked[:10]))
    assert ended.outcome.report["task"]["labels"] == ["cooking", "sailing"]
    with pytest.raises(DataError, match=r"expected one of cooking, sailing for row .* of the pool, found soup"):
        learn(tmp_path / "wrong", unlabelled, labeller=lambda texts: ["soup"] * len(texts))
    with pytest.raises(DataError, match="expected a label for each of 6 rows, found 1"):
        learn(tmp_path / "few", unlabelled, labeller=lambda texts: ["cooking"])
    with pytest.raises(PlanError, match="the function fails with KeyError: 'anchor'"):
        learn(tmp_path / "raises", unlabelled, labeller=lambda texts: [{}["anchor"]])
    with pytest.raises(PlanError, match="the function fails with TypeError: 'NoneType' object is not iterable"):
        learn(tmp_path / "none", unlabelled, labeller=lambda texts: None)


def test_a_loop_may_be_given_more_labels_until_it_has_ended(tmp_path):
    unlabelled = unlabelled_rows(tmp_path)
    asked = []

    def label(texts):
        asked.append(len(texts))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return ["sailing" if "sail" in text or "anchor" in text else "cooking" for text in texts]

    def more(settings, folder="run", **arguments):
        return learn(tmp_path / folder, {**unlabelled, **settings}, labeller=label, **arguments)

    with pytest.raises(KeyboardInterrupt):
        more({"active.budget": 10})
    with pytest.raises(RunDirectoryError, match="holds a loop with another recipe"):
        more({"active.query_size": 5}, labels="labels.csv")
    ended = more({"active.budget": 14, "active.stability": 1.0, "active.stability_rounds": 9})
    assert [record["labels"] for record in ended.rounds] == [0, 6, 10, 14]
    assert asked == [6, 4, 4, 4]
    with pytest.raises(
        RunDirectoryError, match=r"has ended \(all 14 labels .* another training.output_dir and give it"
    ):
        more({"active.budget": 18}, labels="labels.csv")
    with pytest.raises(RunDirectoryError, match="this loop has ended, and takes no more labels"):
        more(
            {"active.budget": 14, "active.stability": 1.0, "active.stability_rounds": 9},
            labels="labels.csv",
        )
    further = more({"active.budget": 18}, "further", labels=ended.directory.labels)
    assert further.rounds[0]["labels"] == 14
    assert ended.labels.items() < further.labels.items()
