"""What a loop comes to that waits for a person."""

from __future__ import annotations

from hf_efficient.experiments.active.run import active_learning


def test_the_file_to_fill_in_is_in_the_format_that_is_asked_for_now(tmp_path):
    (tmp_path / "rows.csv").write_text("text\n" + "".join(f"text {number}\n" for number in range(8)))
    words = {
        "data": {"name": None, "train": str(tmp_path / "rows.csv")},
        "task.labels": ["a", "b"],
        "training.output_dir": str(tmp_path / "run"),
        "active": {"labeller": "file", "seed_set": "random", "seed_size": 3, "fast": True},
    }
    for form in ("jsonl", "csv"):
        ended = active_learning("smoke", {**words, "active.file": form})
        assert (len(ended.pending), ended.outcome) == (3, None)
        assert ended.to_label == tmp_path / "run" / "active" / f"to_label-000.{form}"
        assert ended.to_label.exists()
