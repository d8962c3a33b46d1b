"""The `distill:` section."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hf_efficient.recipe.section import Section


class FromTeacher(Section):
    """Which part of the teacher the student starts from."""

    layers: int | tuple[int, ...] | None = None
    """Layers to take, from 0, or how many, spread evenly from the lowest on; by default all."""
    width: int | None = Field(default=None, ge=1)
    """Hidden size: whole attention heads, the first ones; by default the teacher's."""
    architecture: Literal["same", "distilbert"] = "same"
    """`distilbert` makes an ordinary DistilBERT model of a BERT teacher."""


class Student(Section):
    """How the student is made, where it is no pretrained model of its own."""

    from_teacher: FromTeacher
    """Layers and features of the (first) teacher."""


class Hidden(Section):
    """Hidden states of the teacher's layers, taught to the student's: TinyBERT, DistilBERT, FitNets."""

    weight: float = Field(default=1.0, gt=0.0)
    """Weight in the loss."""
    distance: Literal["squared_error", "cosine"] = "squared_error"
    """What is made small: the squared difference, or the angle."""
    layers: tuple[int, ...] | None = None
    """The teacher's layer, from 0, that each of the student's learns from; by default spread evenly, the last from
    the last."""


class Attention(Section):
    """Attention scores of the teacher's layers, taught to the student's: TinyBERT."""

    weight: float = Field(default=1.0, gt=0.0)
    """Weight in the loss."""
    layers: tuple[int, ...] | None = None
    """The teacher's layer, from 0, that each of the student's learns from; by default spread evenly, the last from
    the last."""


class Relations(Section):
    """How the teacher's tokens relate to each other, taught to the student's last layer: MiniLM and MiniLMv2."""

    weight: float = Field(default=1.0, gt=0.0)
    """Weight in the loss."""
    kind: Literal["minilm", "minilmv2"] = "minilmv2"
    """`minilm` takes queries with keys and values with values, `minilmv2` queries, keys and values with themselves,
    where the number of heads may differ."""
    heads: int | None = Field(default=None, ge=1)
    """Relation heads of `minilmv2`; by default as many as the teacher has, if the student's width allows."""
    teacher_layer: int | None = Field(default=None, ge=0)
    """The teacher's layer, from 0; by default the last."""


class Distill(Section):
    """Train the model to answer as a teacher does, beside or instead of the labels."""

    teacher: str | tuple[str, ...] = Field(min_length=1)
    """A fine-tuned model of the same task: run directory, directory, Hub name or asset; or several, whose
    probabilities are averaged."""
    teacher_weights: tuple[float, ...] | None = None
    """Weight of each of several teachers; by default all count alike."""
    student: Student | None = None
    """Make the student from the teacher, instead of `model.name`."""
    weight: float = Field(default=0.5, ge=0.0)
    """Weight of the teacher's answers in the loss."""
    labels_weight: float | None = Field(default=None, ge=0.0)
    """Weight of the labels' loss; by default 1 − `weight`, and not below 0."""
    divergence: Literal["auto", "forward_kl", "reverse_kl", "jensen_shannon", "squared_error"] = "auto"
    """Distance of the student's answers from the teacher's; `auto` is `forward_kl` between probabilities, and
    `squared_error` where a number is predicted."""
    temperature: float = Field(default=2.0, gt=0.0)
    """What logits of both are divided by before they become probabilities."""
    beta: float = Field(default=0.5, gt=0.0, lt=1.0)
    """Share of the teacher in the mixture of `jensen_shannon`."""
    top_k: int | None = Field(default=None, ge=1)
    """Keep of a teacher's distribution over a vocabulary the likeliest tokens, so many, and what is left of 1: 8 bytes
    each in memory and on disk. Without it language models learn from the whole distribution, which is not kept."""
    cache: bool | None = None
    """Compute the teacher's answers to the training rows once, before the first step, and keep them on disk; by
    default where rows and answers allow."""
    hidden: Hidden | None = None
    """Learn hidden states, too."""
    attention: Attention | None = None
    """Learn attention scores, too."""
    relations: Relations | None = None
    """Learn relations between tokens, too."""

    @property
    def teachers(self) -> tuple[str, ...]:
        """The teachers, one or several."""
        return (self.teacher,) if isinstance(self.teacher, str) else self.teacher

    @property
    def features(self) -> dict[str, Hidden | Attention | Relations]:
        """What is learnt of what the teacher computes on the way, token by token, by its name here."""
        wishes = {"hidden": self.hidden, "attention": self.attention, "relations": self.relations}
        return {name: wish for name, wish in wishes.items() if wish is not None}

    @property
    def teaches(self) -> bool:
        """Whether anything is learnt from the teacher."""
        return bool(self.weight or self.features)
