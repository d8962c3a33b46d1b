from __future__ import annotations

from hf_efficient.report import report_markdown
from hf_efficient.report.markdown import MAX_HISTORY_ROWS
from hf_efficient.report.markup import table
from tests.unit.report import reports


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n\n")[1].split("\n## ")[0].strip()


def test_results_hold_every_metric_of_every_split():
    text = report_markdown(reports.single_label(), [])
    assert section(text, "Results").splitlines() == [
        "| Metric | validation | test |",
        "| :--- | ---: | ---: |",
        "| Matthews correlation | 0.7213 | 0.7100 |",
        "| Accuracy | 0.8605 | 0.8540 |",
        "| Macro F1 | 0.8600 | 0.8532 |",
        "| Loss | 0.3312 | 0.3410 |",
    ]


def test_an_undefined_metric_is_not_a_number():
    assert "| Pearson's r | undefined |" in report_markdown(reports.regression(), [])


def test_a_metric_that_only_one_split_has_leaves_a_gap():
    report = reports.single_label()
    del report["metrics"]["test"]["matthews_correlation"]
    assert "| Matthews correlation | 0.7213 | – |" in report_markdown(report, [])


def test_history_joins_what_was_logged_at_one_step():
    history = section(report_markdown(reports.single_label(), reports.HISTORY), "History")
    assert history.splitlines() == [
        "| Step | Epoch | Loss, training | Loss, validation | Accuracy, validation | Learning rate |",
        "| :--- | ---: | ---: | ---: | ---: | ---: |",
        "| 100 | 0.2 | 0.6900 | – | – | 0.0001 |",
        "| 250 | 0.5 | – | 0.3500 | 0.8400 | – |",
        "| 500 | 1 | 0.3100 | 0.3312 | 0.8605 | 0 |",
    ]


def test_a_long_history_keeps_its_evaluations_and_says_that_it_is_thinned():
    history = [{"step": step, "loss": 1.0} for step in range(1, 1001)]
    history += [{"step": step, "eval_loss": 2.0} for step in (333, 1000)]
    text = section(report_markdown(reports.single_label(), history), "History")
    shown = [line for line in text.splitlines() if line.startswith("|")][2:]
    assert len(shown) == MAX_HISTORY_ROWS
    assert "| 333 | 1.0000 | 2.0000 |" in shown
    assert shown[-1] == "| 1,000 | 1.0000 | 2.0000 |"
    assert text.endswith("20 of 1,000 rows; log.jsonl has all.")


def test_nothing_is_invented():
    text = report_markdown(reports.unmeasured(), [])
    assert section(text, "Results") == "Nothing was scored."
    assert "History" not in text
    run = section(text, "How it was run")
    assert "- Learning rate: not measured" in run
    assert "Best step" not in run
    assert "Stopped early" not in run
    assert "- Time: not measured" in section(text, "Cost")


def test_how_it_was_run_notes_and_versions():
    report = reports.single_label()
    report["training"] |= {"resumed_from_step": 120, "stopped_early": True}
    report["launch"] = {"world_size": 2, "machines": 1, "device": "cuda", "backend": "nccl", "sharding": "FSDP2 over 2"}
    text = report_markdown(report, [])
    run = section(text, "How it was run").splitlines()
    assert run == [
        "- Learning rate: 0.0001",
        "- Effective batch size: 16",
        "- Optimizer steps: 500",
        "- Epochs: 1",
        "- Training loss, mean: 0.4100",
        "- Best step: 250",
        "- Resumed from step: 120",
        "- Stopped early: yes",
        "- Precision: fp32 (auto: the CPU has no fast bf16)",
        "- Processes: 2 on cuda",
        "- Backend: nccl",
        "- Sharding: FSDP2 over 2",
        "- Recipe digest: 0123456789abcdef",
    ]
    assert section(text, "Notes") == "- 3 rows were cut."
    assert section(text, "Versions").splitlines() == ["- hf_efficient: 0.1.0", "- torch: 2.13.0"]


def test_cells_cannot_break_the_table():
    assert table(["a"], [["x|y\nz"]]).splitlines()[2] == "| x\\|y z |"
