"""`hf-efficient explain`: what a recipe comes to, before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hf_efficient.cli.validate import Name, Settings

if TYPE_CHECKING:
    from rich.console import Console

    from hf_efficient.training.explain import Setting

Rows = Iterator[tuple[str, str]]

_MANY = 12
"""Classes from which on only the most frequent ones are shown."""
_DIRECTORY = {
    "new": "there is nothing yet",
    "unfinished": "an unfinished run lies there, which is gone on with if its recipe is the same",
    "finished": "a finished run lies there",
}


def explain(
    recipe: Name,
    overrides: Settings = None,
    every: Annotated[bool, typer.Option("--all", help="Show transformers' own defaults too, a line each.")] = False,
) -> None:
    """Show every value of a recipe and where it came from, and the run that it would be; nothing is trained."""
    from hf_efficient.recipe import Recipe

    words = Recipe.load(recipe, overrides or ())  # errors of wording end here, before anything heavy is imported

    from accelerate import PartialState
    from rich.console import Console

    from hf_efficient.training.explain import explain as explain_plan
    from hf_efficient.training.explain import settings

    facts = explain_plan(words)
    if PartialState().is_main_process:
        print_explanation(settings(words), facts, Console(), every=every)


def print_explanation(
    settings: Sequence[Setting], facts: Mapping[str, Any], console: Console, *, every: bool = False
) -> None:
    """Print the settings of a recipe by section, and the facts of its plan."""
    off = [setting.path for setting in settings if setting.path == setting.section]
    on = [setting for setting in settings if setting.path != setting.section]
    for section, group in groupby(on, lambda setting: setting.section):
        found = list(group)
        shown = found if every else [setting for setting in found if not setting.is_default]
        rows = [(_name(setting), _value(setting.value), setting.source.short) for setting in shown]
        _print(console, section, rows, "" if every else folded([setting for setting in found if setting.is_default]))
    if off:
        _print(console, "off", [], ", ".join(off))
    _print(console, "plan", list(plan_rows(facts)))
    if any(facts["data"]["token_lengths"].values()):
        _print_splits(console, facts["data"])


# Settings.


def folded(defaults: Sequence[Setting]) -> str:
    """Values that nobody wrote in one phrase: our defaults, what is not set, and how many are transformers' own."""
    ours = [setting for setting in defaults if not setting.is_library_default]
    values = [f"{_name(setting)} {_value(setting.value)}" for setting in ours if setting.value not in (None, {})]
    unset = [_name(setting) for setting in ours if setting.value in (None, {})]
    phrases = [
        f"by default {', '.join(values)}" if values else "",
        f"not set: {', '.join(unset)}" if unset else "",
        f"{len(defaults) - len(ours)} more as in transformers (--all lists them)" if len(defaults) > len(ours) else "",
    ]
    return "; ".join(filter(None, phrases))


def _name(setting: Setting) -> str:
    return setting.path.partition(".")[2]


def _value(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


# The plan.


def plan_rows(facts: Mapping[str, Any]) -> Rows:
    """What the plan is made of, as labels and words."""
    model, data, schedule = facts["model"], facts["data"], facts["schedule"]
    yield "task", f"{facts['task']['type']}, {facts['task']['problem']}"
    yield "model", f"{model['name']}: {model['class']}, {_parameters(model)}"
    yield from _inputs(model, data["image_sizes"])
    yield "data", f"{data['name']}: " + ", ".join(f"{_count(rows)} {split}" for split, rows in data["rows"].items())
    if data["labels"] is not None:
        yield "labels", _labels(data["labels"], is_number=not facts["task"]["labels"])
    yield "batch", _batch(facts["batch"])
    if facts["batch"]["padding"] is not None:
        yield "padding", f"{facts['batch']['padding']:.0%} of the tokens of a batch (estimated)"
    yield "steps", _steps(facts["steps"])
    yield "schedule", _schedule(schedule, facts["steps"]["warmup"])
    yield "seed", str(facts["seed"])
    yield "precision", f"{facts['precision']['name']} ({facts['precision']['reason']})"
    yield "launch", _launch(facts["launch"])
    if facts["memory"] is not None:
        yield "memory", _memory(facts["memory"])
    for technique in facts["techniques"]:
        words = ", ".join(f"{name} {_value(value)}" for name, value in technique["settings"].items())
        yield "technique", f"{technique['name']}: {words}"
    for note in facts["notes"]:
        yield "note", note
    yield "writes to", f"{facts['output_dir']} ({_DIRECTORY[facts['output_dir_state']]})"


def _count(rows: int | None) -> str:
    return "streamed" if rows is None else f"{rows:,}"


def _inputs(model: Mapping[str, Any], image_sizes: Mapping[str, Any]) -> Rows:
    """What makes the model's inputs."""
    if "tokenizer" in model:
        yield (
            "tokenizer",
            f"{model['tokenizer']}, {model['vocabulary']:,} tokens, rows of at most {model['max_length']}",
        )
        return
    shape = f"{model['width']} × {model['height']} pixels in {model['channels']} channels"
    yield "image processor", f"{model['image_processor']}, to {shape}"
    for split, sizes in image_sizes.items():
        yield f"{split} images", " to ".join(dict.fromkeys(f"{width} × {height}" for width, height in sizes.values()))


def _parameters(model: Mapping[str, Any]) -> str:
    total, trainable = model["parameters"], model["trainable_parameters"]
    trained = "all trained" if trainable == total else f"{trainable:,} trained ({trainable / total:.2%})"
    return f"{total:,} parameters, {trained}"


def _labels(labels: Mapping[str, float], *, is_number: bool) -> str:
    if is_number:
        return f"{labels['min']:g} to {labels['max']:g}, {labels['mean']:.4g} on average"
    ranked = sorted(labels.items(), key=lambda item: -item[1]) if len(labels) > _MANY else list(labels.items())
    shown = ", ".join(f"{name} {count:,}" for name, count in ranked[:_MANY])
    more = len(ranked) - _MANY
    return f"{shown} and {more} more, {ranked[-1][0]} the rarest with {ranked[-1][1]:,}" if more > 0 else shown


def _batch(batch: Mapping[str, Any]) -> str:
    return (
        f"{batch['effective']:,} rows a step: {batch['per_device']} a device × {batch['accumulation']} accumulated × "
        f"{batch['processes']} {'process' if batch['processes'] == 1 else 'processes'}"
    )


def _steps(steps: Mapping[str, Any]) -> str:
    if steps["per_epoch"] is None:
        return f"{steps['total']:,}"
    return f"{steps['total']:,} in {steps['epochs']:.3g} epochs of {steps['per_epoch']:,}"


def _schedule(schedule: Mapping[str, Any], warmup: int | None) -> str:
    words = f"{schedule['name']} from {schedule['learning_rate']:g}"
    if warmup is not None:
        words += f", {warmup:,} warm-up steps" if warmup else ", no warm-up"
    return words + "".join(f", {name} {_value(value)}" for name, value in schedule["settings"].items())


def _memory(memory: Mapping[str, int]) -> str:
    from hf_efficient.report.units import size

    names = {"rest": "libraries and rows", "allocator": "kept by the allocator and kernels"}
    parts = [f"{size(number)} {names.get(name, name)}" for name, number in memory.items() if name != "peak" and number]
    return f"{size(memory['peak'])} at the peak of a process (estimated): {', '.join(parts)}"


def _launch(launch: Mapping[str, Any]) -> str:
    size = launch["world_size"]
    if size == 1:
        return f"1 process on {launch['device']}"
    spread = f"sharded by {launch['sharding']}" if launch["sharding"] else "each with the whole model (DDP)"
    where = f"on {launch['machines']} machines, " if launch["machines"] > 1 else ""
    return f"{size} processes {where}on {launch['device']} over {launch['backend']}, {spread}"


# Tables.


def _print(console: Console, title: str, rows: Sequence[tuple[str, ...]], rest: str = "") -> None:
    """A heading, a table, and a paragraph of what is not worth a line each."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    console.print(Text(title, style="bold"))
    if rows:
        console.print(Padding(table, (0, 0, 0, 2)))
    if rest:
        console.print(Padding(Text(rest, style="dim"), (0, 0, 0, 2)))
    console.print()


def _print_splits(console: Console, data: Mapping[str, Any]) -> None:
    """Rows of each split and their lengths."""
    from rich.table import Table

    table = Table("split", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("rows", "tokens min", "median", "p95", "max", "rows cut"):
        table.add_column(column, justify="right")
    for split, lengths in data["token_lengths"].items():
        numbers = (data["rows"][split], *lengths.values(), data["truncated_rows"].get(split, 0))
        table.add_row(split, *(f"{number:,}" for number in numbers))
    console.print(table)
