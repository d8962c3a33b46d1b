from __future__ import annotations

import pytest

from hf_efficient.errors import PlanError
from hf_efficient.plan import Plan
from hf_efficient.recipe import EarlyStopping, Hub
from hf_efficient.techniques import apply_techniques
from hf_efficient.techniques.early_stopping import StopEarly
from tests.trajectory import arguments


def stops(
    callback: StopEarly, values: list[float], *, per_epoch: int = 1, greater_is_better: bool = True
) -> list[bool]:
    """Whether the run would end after each value."""
    return [
        callback.observe(value, (i + 1) / per_epoch, greater_is_better=greater_is_better)
        for i, value in enumerate(values)
    ]


def test_patience_in_evaluations_starts_again_with_each_improvement():
    callback = StopEarly(patience_evaluations=2)
    assert stops(callback, [0.5, 0.4, 0.6, 0.6, 0.5]) == [False, False, False, False, True]


def test_patience_in_epochs_does_not_depend_on_how_often_it_looks():
    values = [0.5] + [0.4] * 8
    assert stops(StopEarly(patience_epochs=2), values, per_epoch=4).index(True) == 8
    assert stops(StopEarly(patience_epochs=2), values[:3], per_epoch=1).index(True) == 2


def test_a_loss_gets_better_when_it_falls():
    assert stops(StopEarly(patience_evaluations=1), [0.5, 0.4, 0.45], greater_is_better=False) == [False, False, True]


def test_a_gain_below_the_threshold_is_none():
    assert stops(StopEarly(patience_evaluations=1, threshold=0.1), [0.5, 0.55]) == [False, True]
    assert stops(StopEarly(patience_evaluations=1, threshold=0.1), [0.5, 0.65]) == [False, False]


def test_its_state_goes_on_where_it_was():
    callback = StopEarly(patience_evaluations=3)
    stops(callback, [0.5, 0.4, 0.4])
    state = callback.state()
    again = StopEarly(**state["args"])
    for name, value in state["attributes"].items():
        setattr(again, name, value)
    assert again.observe(0.4, 4.0, greater_is_better=True)


@pytest.mark.parametrize("words", [{}, {"patience_evaluations": 1, "patience_epochs": 1.0}])
def test_exactly_one_patience(words):
    with pytest.raises(ValueError, match="exactly one of patience_evaluations and patience_epochs"):
        EarlyStopping(**words)


def test_nothing_to_watch_is_an_error(tmp_path):
    plan = Plan(args=arguments(str(tmp_path), eval_strategy="no"), eval_dataset=[1])
    with pytest.raises(PlanError, match="early_stopping watches evaluations"):
        apply_techniques(plan, [EarlyStopping(patience_evaluations=1)])


def test_a_section_that_is_no_technique_is_refused():
    with pytest.raises(PlanError, match="Hub is not a technique; there are Prune, Augment, Curriculum, Freeze, Peft"):
        apply_techniques(Plan(), [Hub(repo_id="a/b")])


def test_a_technique_is_given_once():
    section = EarlyStopping(patience_evaluations=1)
    with pytest.raises(PlanError, match="given twice"):
        apply_techniques(Plan(), [section, section])


def test_a_slot_is_never_overwritten():
    plan = Plan().with_order([1], by="curriculum")
    with pytest.raises(PlanError, match="pruning sets the order of the run, and curriculum has set it already"):
        plan.with_order([2], by="pruning")
