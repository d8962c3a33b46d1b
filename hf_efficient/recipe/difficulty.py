"""What `curriculum:` and `prune:` share: how difficult a row is."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from hf_efficient.recipe.section import Section

By = Literal[
    "length", "rarity", "loss", "entropy", "margin", "el2n", "forgetting", "disagreement", "column", "function"
]
OF_MODEL: Final = ("loss", "entropy", "margin", "el2n", "forgetting")
"""What a model says of a row."""


class Brief(Section):
    """A short training of the run's own model on its rows, before the run and at its cost."""

    epochs: float = Field(default=1.0, gt=0.0)
    """Epochs that it is trained for."""
    learning_rate: float | None = Field(default=None, gt=0.0)
    """Its learning rate, which falls to 0 in a line; by default `training.learning_rate`."""


class Difficulty(Section):
    """How difficult a row is."""

    by: By
    """`length` in tokens; `rarity`, the mean of −log frequency of the row's tokens (Platanios et al. 2019, arXiv
    1903.09848); of a model `loss`, `entropy`, `margin` (how far the label's probability is below the likeliest other
    one), `el2n` (length of the error, Paul et al. 2021, arXiv 2107.07075) or `forgetting` (how often the row was right
    and then wrong, Toneva et al. 2019, arXiv 1812.05159); `disagreement` of annotators; a `column`; a `function`."""
    reference: str | None = Field(default=None, min_length=1)
    """The model that is asked: fine-tuned on these labels (run directory, directory, Hub name or asset)."""
    brief: Brief | None = None
    """Ask the run's own model after a short training, instead of `reference`."""
    column: str | tuple[str, ...] | None = Field(default=None, min_length=1)
    """Column of numbers; of a `disagreement`, of each row's list of ratings, or several columns, one an annotator."""
    function: str | None = Field(default=None, pattern=r"^[\w.]+:[\w.]+$")
    """`package.module:function`, which is given the rows as they were read and gives a number for each."""

    @property
    def asks_model(self) -> bool:
        """Whether a model other than the one that is trained is asked."""
        return self.reference is not None or self.brief is not None

    @model_validator(mode="after")
    def _is_said_once(self) -> Self:
        if self.reference is not None and self.brief is not None:
            raise ValueError("reference and brief both name the model that is asked; give one of them")
        if self.asks_model and self.by not in OF_MODEL:
            raise ValueError(f"by: {self.by} asks no model; take reference or brief out")
        if self.by == "forgetting" and self.reference is not None:
            raise ValueError("by: forgetting watches a training, and a reference is trained already; give brief")
        if self.by == "forgetting" and self.brief is not None and self.brief.epochs <= 1:
            raise ValueError("by: forgetting needs rows that are seen more than once; set brief.epochs above 1")
        return self

    @model_validator(mode="after")
    def _names_what_is_read(self) -> Self:
        reads_column = self.by in ("column", "disagreement")
        if reads_column != (self.column is not None):
            raise ValueError("name a column with by: column or by: disagreement, and only then")
        if self.by == "column" and isinstance(self.column, tuple):
            raise ValueError("by: column reads one column; by: disagreement compares several")
        if (self.by == "function") != (self.function is not None):
            raise ValueError("name a function, package.module:function, with by: function, and only then")
        return self
