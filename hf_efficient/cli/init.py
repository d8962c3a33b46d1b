"""`hf-efficient init`: a starter recipe from a data set."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from hf_efficient.cli.output import write_output
from hf_efficient.errors import RecipeError

if TYPE_CHECKING:
    from hf_efficient.data.guess import Guess

_MODEL: Final = "demo/minilm-l6"


def init(
    source: Annotated[str, typer.Argument(help="Data file, directory, Hub name or asset.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Recipe to write.")] = Path("recipe.yaml"),
    model: Annotated[str, typer.Option("--model", "-m", help="Model to fine-tune.")] = _MODEL,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing recipe.")] = False,
) -> None:
    """Write a starter recipe: columns and problem are guessed from the rows, and said."""
    from hf_efficient.data import load_table
    from hf_efficient.data.guess import guess

    if output.exists() and not force:
        raise RecipeError(f"{output} exists; name another file with --output, or overwrite it with --force")
    table = load_table(source, split="train")
    found = guess(table)
    text = starter_recipe(source, model, len(table), found)
    write_output(output, lambda path: path.write_text(text, encoding="utf-8"))
    _say(source, len(table), found, output)


def starter_recipe(source: str, model: str, num_rows: int, found: Guess) -> str:
    """The text of a recipe for a guessed data set, each value with its reason."""
    from hf_efficient.recipe.emit import emit

    columns = {"text": found.text, "text_pair": found.text_pair, "label": found.label}
    named = {
        part: list(name) if isinstance(name, tuple) else name for part, name in columns.items() if name is not None
    }
    recipe = {
        "task": {"type": "text-classification", "problem": found.problem},
        "model": {"name": model},
        "data": {"name": source, "columns": named},
        "training": {
            "output_dir": f"runs/{re.sub(r'[^A-Za-z0-9]+', '-', Path(source).stem).strip('-') or 'run'}",
            "learning_rate": 1e-4,
            "num_train_epochs": 2,
            "per_device_train_batch_size": 16,
        },
    }
    comments: dict[tuple[str, ...], str] = {
        ("task", "type"): "one text or a pair, and what it is labelled with",
        ("task", "problem"): _classes(found),
        ("model", "name"): "a Hub name, a directory or an asset",
        ("data", "name"): f"{num_rows:,} training rows, {_words(found)}",
        ("training", "output_dir"): "model, report and checkpoints go here",
        ("training", "learning_rate"): "and any other of transformers' TrainingArguments, under its own name",
        ("training", "num_train_epochs"): "passes over the rows",
        ("training", "per_device_train_batch_size"): "rows a step",
    }
    head = f"# A start for {_one_line(source)}. Check the guesses, then run `hf-efficient finetune` on this file.\n\n"
    return head + emit(recipe, lambda path: _one_line(comments.get(path, "guessed")))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _classes(found: Guess) -> str:
    if not found.label_counts:
        return "the labels are numbers"
    shown = ", ".join(f"{json.dumps(name, ensure_ascii=False)} {count:,}" for name, count in found.label_counts[:8])
    more = len(found.label_counts) - 8
    return f"{len(found.label_counts)} classes: {shown}" + (f" and {more} more" if more > 0 else "")


def _words(found: Guess) -> str:
    median, longest = found.num_words
    return f"{median:,} words at the median, {longest:,} at most"


def _say(source: str, num_rows: int, found: Guess, output: Path) -> None:
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{escape(source)}: {num_rows:,} training rows, {_words(found)}")
    for reason in found.reasons:
        console.print(f"  {escape(reason)}")
    console.print(f"  {escape(_classes(found))}")
    console.print(f"Wrote {escape(str(output))}. Next: hf-efficient finetune {escape(str(output))}")
