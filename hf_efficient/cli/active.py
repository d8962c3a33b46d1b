"""`hf-efficient active`: which rows are worth a label, round by round."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hf_efficient.cli.console import print_outcome, say
from hf_efficient.cli.validate import Name, Settings

if TYPE_CHECKING:
    from hf_efficient.recipe import Recipe
    from hf_efficient.recipe.active import Active


def active(
    recipe: Name,
    overrides: Settings = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Labels to take first: csv, jsonl, or Label Studio's export.", show_default=False),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the file of rows to label is filled in.")] = False,
    web: Annotated[bool, typer.Option("--web", help="Label on a page in the browser: active.labeller=web.")] = False,
    port: Annotated[int | None, typer.Option(help="Port of that page; by default any.", show_default=False)] = None,
    strategies: Annotated[
        str | None,
        typer.Option(help="Compare strategies in simulations, e.g. margin,badge,random.", show_default=False),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="Seeds to compare them over, e.g. 1,2,3.", show_default=False)
    ] = None,
) -> None:
    """Choose rows to label, have them labelled, train, and again; the same command goes on where it ended."""
    from hf_efficient.recipe import Recipe

    settings = [*(overrides or ()), *(["active.labeller=web"] if web else [])]
    words = Recipe.load(recipe, settings)
    if strategies is not None:
        _refuse("--strategies", {"--labels": labels, "--wait": wait, "--web": web, "--port": port})
        _compare(words, strategies.split(","), _numbers(seeds or "0,1,2"))
    elif seeds is not None:
        raise typer.BadParameter("--seeds has no effect without --strategies; write training.seed=1")
    else:
        _refuse_beside_labeller(words.active, wait, port)
        _label(words, labels, wait, port or 0, ["hf-efficient", "active", recipe, *(overrides or ())])


def _refuse_beside_labeller(section: Active | None, wait: bool, port: int | None) -> None:
    """Refuse options that the labeller of the recipe has no use for."""
    if section is not None and section.labeller != "web":
        _refuse(f"active.labeller: {section.labeller}", {"--port": port})
    if section is not None and (section.labeller != "file" or section.file == "label_studio"):
        _refuse(f"active.labeller: {section.labeller}, as nobody fills in a csv or jsonl", {"--wait": wait})


def _refuse(beside: str, given: dict[str, object]) -> None:
    """Refuse options that have no effect."""
    for option, value in given.items():
        if value:
            raise typer.BadParameter(f"{option} has no effect beside {beside}")


def _label(recipe: Recipe, labels: Path | None, wait: bool, port: int, command: list[str]) -> None:
    from hf_efficient.experiments.active.run import run_active

    ended = run_active(recipe, labels=labels, wait=wait, port=port, shown=say)
    if ended.to_label is not None:
        typer.echo(_how_to_go_on(len(ended.pending), ended.to_label, command))
    elif ended.outcome is not None:
        print_outcome(ended.outcome)


def _compare(recipe: Recipe, strategies: list[str], seeds: list[int]) -> None:
    from hf_efficient.experiments.active.comparison import make_comparison, run_comparison
    from hf_efficient.report.active import print_curves
    from hf_efficient.report.active_figure import can_draw, draw_curves

    comparison = make_comparison(recipe, [name.strip() for name in strategies], seeds)
    rows = run_comparison(comparison, shown=say)
    print_curves(rows)
    typer.echo(f"One row for each loop: {comparison.results}")
    if can_draw():
        figure = comparison.folder / "labels.png"
        draw_curves(rows, figure)
        typer.echo(f"The metric against the labels: {figure}")


def _numbers(text: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"--seeds {text}: expected whole numbers, as in 1,2,3") from error


def _how_to_go_on(num_pending: int, file: Path, arguments: list[str]) -> str:
    command = shlex.join(arguments)
    waiting = "1 row waits for its label" if num_pending == 1 else f"{num_pending} rows wait for labels"
    if file.suffix == ".json":
        return f"{waiting}: import {file} into Label Studio, then run `{command} --labels EXPORT.json`"
    return f"{waiting}: fill in {file}, then run `{command}`"
