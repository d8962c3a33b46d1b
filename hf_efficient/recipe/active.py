"""The `active:` section."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from pydantic import Field

from hf_efficient.recipe.section import Section

Strategy: TypeAlias = Literal[
    "random", "least_confidence", "margin", "entropy", "bald", "core_set", "badge", "contrastive"
]
SIMULATED: Final = "simulated"
PEOPLE: Final = ("file", "web")
"""Labellers that wait for a person."""


class Active(Section):
    """Which rows are worth a label, round by round: `hf-efficient active RECIPE`."""

    strategy: Strategy = "margin"
    """What makes a row worth a label: doubt of the model (`least_confidence`, `margin`, `entropy`), what its members
    disagree on (`bald`), distance from labelled rows (`core_set`), both (`badge`), or another answer than similar
    labelled rows get (`contrastive`); `random` is the control."""
    balanced: bool = False
    """Take equally many rows of each predicted class, as far as there are."""
    seed_set: Literal["clusters", "random", "stratified"] = "clusters"
    """The first rows: the middles of clusters of the pretrained model's features, any rows, or a share of each class,
    which only a simulation knows."""
    seed_size: int = Field(default=20, ge=2)
    """How many rows are labelled before the first model is trained."""
    query_size: int = Field(default=20, ge=1)
    """How many rows are labelled in each round after that."""
    budget: int = Field(default=500, ge=2)
    """Labels in all, those of the seed set included."""
    metric: str | None = Field(default=None, min_length=1)
    """Metric of the validation rows that is reported and compared with `target`; by default the task's first one."""
    target: float | None = None
    """End when the metric is as good as this."""
    stability: float | None = Field(default=None, gt=0.0, le=1.0)
    """End when the predictions of successive models for rows without a label agree so well (Cohen's kappa, 1 is
    entirely; 0.99 is usual)."""
    stability_rounds: int = Field(default=3, ge=1)
    """Rounds over which that agreement is averaged."""
    members: int = Field(default=10, ge=2)
    """Members whose disagreement `bald` looks for: passes with dropout; with `fast`, heads of resampled labels."""
    neighbours: int = Field(default=10, ge=1)
    """Labelled rows that `contrastive` compares a row with."""
    fast: bool = False
    """Within the loop, train a linear head on features of the pretrained model, computed once for each row and kept on
    disk; the recipe itself runs once, at the end."""
    warm_start: bool = False
    """Train each round's model from that of the round before; by default from the start."""
    labeller: str = Field(default=SIMULATED, min_length=1)
    """Who labels: `simulated` (the labels that the training rows have, hidden until they are asked for), a person, by
    `file` (to be filled in) or `web` (a page on this machine), or a function, `package.module:function`, that is given
    texts and gives their labels."""
    file: Literal["csv", "jsonl", "label_studio"] = "csv"
    """Format of the file to be filled in; Label Studio's tasks come back by `--labels EXPORT.json`."""

    @property
    def is_simulated(self) -> bool:
        """Whether the pool's own labels answer."""
        return self.labeller == SIMULATED
