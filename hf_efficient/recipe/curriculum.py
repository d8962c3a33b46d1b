"""The `curriculum:` section."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from hf_efficient.recipe.difficulty import OF_MODEL, Difficulty

IN_STAGES: Final = ("step", "baby_steps", "one_pass")
IN_BUCKETS: Final = ("baby_steps", "one_pass")


class Curriculum(Difficulty):
    """Rows that are held back until the model has seen others: an epoch stays as long, and repeats those there are.

    Where `by` is of a model, and neither `reference` nor `brief` is given, the run's own model is asked: what it said
    in training, beside what it said of the rows seen around the same time, which costs nothing. Its first epoch has no
    order, and each epoch is ordered by the ones before.
    """

    order: Literal["easy_first", "hard_first", "random"] = "easy_first"
    """Which rows come first; `random` is the control: the same pace with ranks drawn from the seed, nothing scored."""
    pace: Literal["competence", "linear", "step", "exponential", "baby_steps", "one_pass"] = "competence"
    """How the share of rows that are available grows: by the root of time (`competence`, Platanios et al. 2019), in a
    line, in `stages` at once (`step`), by equal factors (`exponential`), one of `stages` equal buckets after the other
    joined (`baby_steps`) or alone (`one_pass`; both Bengio et al. 2009, Cirik et al. 2016)."""
    start: float | None = Field(default=None, gt=0.0, le=1.0)
    """Share of the rows that are available from the start; by default 0.2."""
    end: float = Field(default=0.5, gt=0.0, le=1.0)
    """Share of the training after which all rows are available."""
    root: float | None = Field(default=None, ge=1.0)
    """Root of `competence`; by default 2, the square root."""
    stages: int | None = Field(default=None, ge=2)
    """Stages of `step`, `baby_steps` and `one_pass`; by default 5."""
    mix: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of the rows that are drawn from all, available or not, each as likely."""

    @property
    def watches_training(self) -> bool:
        """Whether the training itself tells how difficult rows are."""
        return self.by in OF_MODEL and not self.asks_model

    @model_validator(mode="after")
    def _settings_are_of_the_pace(self) -> Self:
        if self.root is not None and self.pace != "competence":
            raise ValueError(f"root can't take effect with pace: {self.pace}; take it out")
        if self.stages is not None and self.pace not in IN_STAGES:
            raise ValueError(f"stages can't take effect with pace: {self.pace}; take it out")
        if self.start is not None and self.pace in IN_BUCKETS:
            raise ValueError(f"start can't take effect with pace: {self.pace}, whose first bucket it is; take it out")
        return self
