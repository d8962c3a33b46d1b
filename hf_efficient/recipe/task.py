"""The `task:` section."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hf_efficient.recipe.section import Section

TaskType = Literal[
    "text-classification", "token-classification", "image-classification", "text2text-generation", "text-generation"
]
Problem = Literal["auto", "single_label", "multi_label", "regression"]


class Generation(Section):
    """How text is generated, for metrics and predictions; it is saved with the model."""

    max_new_tokens: int | None = Field(default=None, ge=1)
    """Tokens of a generated text at most; by default 128, or what the model can take if that is less."""
    num_beams: int = Field(default=1, ge=1)
    """Width of the beam search; 1 is greedy."""


class TaskSection(Section):
    """What the model learns to do."""

    type: TaskType = "text-classification"
    """Kind of task, under the Hub's name for it."""
    problem: Problem = "auto"
    """How labels are read; `auto` tells from the label column: floats are a regression, lists are multi-label."""
    labels: tuple[str, ...] | None = None
    """Names of the classes in the order of their ids; by default the data set's own, or the sorted values."""
    class_weights: Literal["balanced"] | dict[str, Annotated[float, Field(ge=0)]] | None = None
    """Weight of each class in the loss, scaled to a mean of 1 over the rows; `balanced` is n / (classes · n_class),
    of the rows as they were read, before label noise, views and pruning."""
    metrics: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Metrics to report; by default all that fit the problem."""
    threshold: float | None = Field(default=None, gt=0.0, lt=1.0)
    """Probability from which a label counts as predicted in a multi-label problem; by default 0.5."""
    prefix: str | None = Field(default=None, min_length=1)
    """Put before each source text, e.g. `"summarize: "`."""
    generation: Generation = Generation()
    """How text is generated."""
