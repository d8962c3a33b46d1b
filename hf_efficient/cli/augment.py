"""`hf-efficient augment`: training rows beside their views, or a file of both."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hf_efficient.cli.console import say
from hf_efficient.cli.output import Force, Output, check_output, write_output, write_rows
from hf_efficient.cli.validate import Name, Settings

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from hf_efficient.recipe import Recipe
    from hf_efficient.training.augmented import Shown

_FEW = 5


def augment(
    recipe: Name,
    overrides: Settings = None,
    show: Annotated[
        int | None, typer.Option(min=1, help=f"Show so many rows, by default {_FEW}.", show_default=False)
    ] = None,
    output: Output = None,
    force: Force = False,
) -> None:
    """Show training rows beside the views that a recipe makes of them, or write the augmented rows of an epoch.

    Images are put into a picture: views.png, or the one that --output names.
    """
    from hf_efficient.recipe import Recipe

    words = Recipe.load(recipe, overrides or ())
    if words.task.type == "image-classification":
        draw_views(words, show or _FEW, output or Path("views.png"), force)
    else:
        check_output(output, force)
        show_or_write(words, show, output)


def show_or_write(words: Recipe, show: int | None, output: Path | None) -> None:
    """Print rows beside their views, or write all of them."""
    from rich.console import Console

    from hf_efficient.training.augmented import augmented_rows, shown_rows

    if show is not None or output is None:
        print_views(shown_rows(words, show or _FEW), Console())
    if output is not None:
        rows = augmented_rows(words)
        write_rows(output, rows.table.with_format("arrow")[:].replace_schema_metadata(None))
        for note in rows.notes:
            say(f"note: {note}")
        typer.echo(f"Wrote {len(rows.table):,} rows to {output}")


def draw_views(recipe: Recipe, num_rows: int, output: Path, force: bool) -> None:
    """Write a picture of images beside their views."""
    check_output(output, force, endings=(".png",))

    from hf_efficient.training.image_sheet import sheet_of_views

    sheet = sheet_of_views(recipe, num_rows)
    write_output(output, lambda path: sheet.save(path, format="PNG"))
    typer.echo(f"Wrote {output}: training images, and right of each its views")


def print_views(rows: list[Shown], console: Console) -> None:
    """Print rows and below each its views, where they differ in bold."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        for text in row.texts:
            table.add_row(Text(f"row {row.number}", style="bold"), Text(text))
        for view in row.views:
            for text, before in zip(view.texts, row.texts, strict=True):
                table.add_row(Text(f"  {view.augmenter}", style="dim"), marked(before, text))
    console.print(table)


def marked(before: str, after: str) -> Text:
    """The second text, its words in bold that the first one has not at their place."""
    from rich.text import Text

    old, new = before.split(), after.split()
    marked = Text()
    for kind, _, _, begin, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for word in new[begin:end]:
            marked.append(f"{word} ", style="" if kind == "equal" else "bold green")
    marked.rstrip()
    return marked
