"""`hf-efficient finetune`: the whole way from a recipe to a trained model."""

from __future__ import annotations

from hf_efficient.cli.console import print_outcome
from hf_efficient.cli.validate import Name, Settings


def finetune(recipe: Name, overrides: Settings = None) -> None:
    """Fine-tune as a recipe says; the same as `accelerate launch scripts/finetune.py`."""
    from hf_efficient.recipe import Recipe

    words = Recipe.load(recipe, overrides or ())  # errors of wording end here, before anything heavy is imported

    from accelerate import PartialState

    from hf_efficient.training.finetune import finetune as run

    outcome = run(words)
    if PartialState().is_main_process:
        print_outcome(outcome)
