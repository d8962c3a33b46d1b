from __future__ import annotations

from typing import Any, Literal

import pytest

from hf_efficient.recipe import training_arguments as module
from hf_efficient.recipe.training_arguments import training_arguments

SOURCES = {
    "training_args.py": '''
class OptimizerNames(ExplicitEnum):
    ADAM = "adam"
    SGD = "sgd"

class Helper:
    """No dataclass."""

class TrainingArguments:
    """Arguments."""
    _VALID = ["a"]
    count: int = field(default=-1, metadata={"help": "About 20%% slower."})
    default_optim = "adam"
    if newer():
        default_optim = "sgd"
    optim: OptimizerNames | str = field(default=default_optim, metadata={"help": "o"})
    strategy: Strategy | str = field(default="other", metadata={"help": "s"})
    strategies: str | list[Strategy] = field(default="", metadata={"help": "s"})
    names: list[str] = field(default_factory=list, metadata={"help": "n"})
    settings: dict[str, bool] | None = field(default=None, metadata={"help": "s"})
    backend: str | None = field(default=None, metadata={"help": "b", "choices": ["x", "y"]})
    level: str = field(default="low", metadata={"help": "l", "choices": levels.keys()})
    flag: str | None = field(default=None, metadata={"help": "f", "nargs": "?", "const": True})
    space: str | None | Literal[False] = field(default=None, metadata={"help": "s"})
    live: LiveObject | None = field(default=None, metadata={"help": "l"})
    plain: int = 3
    def method(self):
        default_optim = "unseen"
''',
    "trainer_utils.py": 'class Strategy(ExplicitEnum):\n    NO = "no"\n    YES = "yes"\n',
    "debug_utils.py": "",
}


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    """The table of a made-up transformers package."""
    for name, text in SOURCES.items():
        (tmp_path / name).write_text(text)
    spec = type("Spec", (), {"origin": str(tmp_path / "__init__.py")})
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: spec)
    return training_arguments.__wrapped__()


@pytest.mark.parametrize(
    ("name", "annotation", "default"),
    [
        ("count", int, -1),
        ("optim", Literal["adam", "sgd"], "sgd"),
        ("strategy", Literal["no", "yes"] | Literal["other"], "other"),
        ("strategies", tuple[Literal["no", "yes"], ...] | Literal["no", "yes"] | Literal[""], ""),
        ("names", tuple[str, ...], ()),
        ("settings", dict[str, bool] | None, None),
        ("backend", Literal["x", "y"] | None, None),
        ("level", str, "low"),
        ("flag", str | None | bool, None),
        ("space", str | None | Literal[False], None),
    ],
)
def test_types_and_defaults_are_read_from_the_source(arguments, name, annotation, default):
    assert arguments[name].annotation == annotation
    assert arguments[name].default == default


def test_help_is_read_as_it_would_be_shown(arguments):
    assert arguments["count"].help == "About 20% slower."


def test_what_no_text_can_stand_for_is_left_out(arguments):
    assert arguments.keys().isdisjoint({"live", "plain", "_VALID", "default_optim"})


def test_no_transformers_is_said_plainly(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="transformers is not installed"):
        training_arguments.__wrapped__()


def test_a_bare_dict_holds_anything():
    assert training_arguments()["lr_scheduler_kwargs"].annotation == dict[str, Any] | str | None
