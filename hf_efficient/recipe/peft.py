"""The `peft:` section: adapters, by peft's own names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Self

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.fields import FieldInfo

from hf_efficient.errors import did_you_mean, nearest
from hf_efficient.recipe.peft_settings import peft_method, peft_methods
from hf_efficient.recipe.section import Section
from hf_efficient.recipe.wording import mismatch

RATE_FACTOR: Final = 10
"""Adapters take about ten times the learning rate of full fine-tuning (Schulman et al. 2025, "LoRA Without Regret")."""

OWNED: Final = (
    *("auto_mapping", "base_model_name_or_path", "inference_mode", "peft_type", "peft_version", "revision"),
    *("runtime_config", "task_type", "token_dim", "num_layers", "num_attention_heads"),
)
"""Fields of peft's configurations that follow from the run."""

_DEFAULTS: Final[dict[str, dict[str, Any]]] = {"lora": {"r": 8, "lora_alpha": 16}}
_PROMPT_DEFAULTS: Final = {"num_virtual_tokens": 20}

_VARIANTS: Final = {
    "dora": "method: lora with use_dora: true",
    "rslora": "method: lora with use_rslora: true",
    "pissa": "method: lora with init_lora_weights: pissa",
    "olora": "method: lora with init_lora_weights: olora",
    "qlora": "method: lora with model.quantization: nf4",
}
"""What people call methods that are settings of another one."""

_REFUSED: Final = {
    "cpt": "it brings a loss of its own; take prompt_tuning",
    "multitask_prompt_tuning": "it needs the number of a task with each row; take prompt_tuning",
    "poly": "it needs the number of a task with each row; take lora",
    "shadow": "it puts a second model beside the first; take lora",
    "xlora": "it mixes adapters that are trained already; take lora",
}
_UNDRIVEN: Final = ("arrow_config", "kasa_config", "monteclora_config", "use_asa")
"""Settings of variants with a loss or a schedule of their own, which nothing here drives."""
_MEANT: Final = {"alpha": "lora_alpha", "dropout": "lora_dropout", "rank": "r"}
"""What people call settings of LoRA."""
_UNPREPARED: Final = ("corda", "eva", "loftq", "lora_ga")
"""Ways to start LoRA's weights that look at data or at a quantised model first."""


class Peft(Section):
    """Train an adapter, and leave the model's own weights as they are; other settings are peft's own of the method."""

    model_config = ConfigDict(extra="allow")

    method: str = Field(min_length=1)
    """Method of peft: `lora`, `ia3`, `vera`, `prompt_tuning`, …; its own settings stand beside it, as in `r: 16`."""

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, values: Any) -> Any:
        method = values.get("method") if isinstance(values, dict) else None
        if method not in peft_methods():
            return values
        return {**(_PROMPT_DEFAULTS if peft_method(method).is_prompt_learning else _DEFAULTS.get(method, {})), **values}

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that are peft's own, by name."""
        return dict(self.model_extra or {})

    @property
    def is_prompt_learning(self) -> bool:
        """Whether virtual tokens are learnt, which no weight of the model can take over."""
        return self.method in peft_methods() and peft_method(self.method).is_prompt_learning

    def complaints(self) -> Iterator[tuple[str, str]]:
        """The name of each wrong setting, and what is wrong with it."""
        if self.method not in peft_methods():
            hint = f" Write {_VARIANTS[self.method]}." if self.method in _VARIANTS else ""
            yield (
                "method",
                f"is {self.method}, which peft does not have.{hint or did_you_mean(self.method, peft_methods())}",
            )
        elif self.method in _REFUSED:
            yield "method", f"can't be {self.method}: {_REFUSED[self.method]}."
        else:
            for name, value in self.settings.items():
                yield from ((name, message) for message in _wrong(self.method, name, value))

    def checked(self) -> Self:
        """This section, if it is right; the first complaint is a ValueError."""
        for name, message in self.complaints():
            raise ValueError(f"peft.{name} {message}")
        return self


def _wrong(method: str, name: str, value: Any) -> Iterator[str]:
    owned = (*OWNED, "rank_pattern", "total_step") if method == "adalora" else OWNED
    known = {other: kind for other, kind in peft_method(method).settings.items() if other not in owned}
    if name in owned:
        yield "follows from the run; take it out."
    elif name not in known:
        meant = _MEANT.get(name) if _MEANT.get(name) in known else nearest(name, known)
        yield f"is not a setting of {method}." + (f" Did you mean peft.{meant}?" if meant else "")
    elif name in _UNDRIVEN and value:
        yield "brings a loss or a schedule of its own, which nothing drives here; take it out."
    elif name == "init_lora_weights" and value in _UNPREPARED:
        yield f"is {value}, which would have to look at data or weights before training; write true, pissa or olora."
    else:
        try:
            TypeAdapter(known[name]).validate_python(value, strict=True)
        except ValidationError:
            yield mismatch(FieldInfo(annotation=known[name]), value)
