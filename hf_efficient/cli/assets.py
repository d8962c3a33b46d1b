"""`hf-efficient assets`: the pinned models and data that need no model hub."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from hf_efficient.assets import ASSETS, Asset, describe
from hf_efficient.assets.cache import cached_dir, is_cached
from hf_efficient.assets.cache import verify as verify_files
from hf_efficient.assets.fetch import ensure_cached
from hf_efficient.errors import AssetError

app = typer.Typer(help="Pinned models and data that need no model hub.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(help="Assets, e.g. demo/minilm-l6.", show_default=False)]


@app.command("list")
def list_assets() -> None:
    """Show every asset, its licence, and whether it is in the cache."""
    table = Table(Column("name", no_wrap=True), "kind", "download", "licence", "cached")
    for asset in ASSETS.values():
        size = "—" if asset.builtin else f"{asset.size / 1e6:.0f} MB"
        table.add_row(asset.name, asset.kind, size, asset.licence, _state(asset))
    Console().print(table)


@app.command()
def fetch(
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="All assets.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Fetch again what is cached.")] = False,
) -> None:
    """Put assets into the cache."""
    if every == bool(names):
        raise typer.BadParameter("give the names of assets, or --all")
    assets = [describe(name) for name in names or ASSETS]
    console, failed = Console(stderr=True, highlight=False, soft_wrap=True), False
    for asset in assets:
        try:
            with console.status(asset.name):
                place = "built in" if asset.builtin else ensure_cached(asset, force=force, announce=console.print)
            typer.echo(f"{asset.name}: {place}")
        except AssetError as error:
            failed = True
            console.print(str(error), markup=False)
    if failed:
        raise typer.Exit(AssetError.exit_code)


@app.command()
def verify(names: Names = None) -> None:
    """Check cached assets against their recorded hashes; all of them if none is named."""
    assets = [describe(name) for name in names] if names else [a for a in ASSETS.values() if _present(a)]
    damages = {asset.name: _damage(asset) for asset in assets}
    for name, damage in damages.items():
        typer.echo(damage or f"{name}: intact", err=bool(damage))
    if any(damages.values()):
        raise typer.Exit(AssetError.exit_code)


def _present(asset: Asset) -> bool:
    return not asset.builtin and cached_dir(asset).exists()


def _damage(asset: Asset) -> str:
    """What is wrong with an asset's files, or the empty string."""
    if asset.builtin:
        return ""
    if not _present(asset):
        return f"{asset.name} is not cached; run `hf-efficient assets fetch {asset.name}`"
    try:
        verify_files(asset)
    except AssetError as error:
        return str(error)
    return ""


def _state(asset: Asset) -> str:
    if asset.builtin:
        return "built in"
    try:
        return "yes" if is_cached(asset) else "no"
    except AssetError:
        return "damaged"
