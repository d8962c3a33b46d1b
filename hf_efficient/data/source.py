"""Where rows come from: a file, a directory, a pinned asset, or the Hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hf_efficient.data.files import SUFFIXES, first_line, require_file
from hf_efficient.data.hub import quick_to_fail
from hf_efficient.data.images import IMAGE_SUFFIXES, image_folders, image_table
from hf_efficient.data.shards import DatasetShard, FileShard, Shards
from hf_efficient.errors import DataError, RecipeError, did_you_mean

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

READABLE: Final = (*SUFFIXES, *IMAGE_SUFFIXES)
"""Endings of the files that can hold rows, or be one."""
SPLITS: Final = ("train", "validation", "test")
_STEMS: Final = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test",),
}
"""What the files and splits of a data set are called."""


def usual_split(source: Mapping[str, Shards], split: str) -> Shards | None:
    """The rows of a split under one of its usual names, or None."""
    return next((source[stem] for stem in _STEMS[split] if stem in source), None)


def named_split(source: Mapping[str, Shards], wanted: str, place: str) -> Shards:
    """A split, or the rows of a file.

    Raises:
        RecipeError: there is neither.
    """
    if wanted in source:
        return source[wanted]
    path = Path(wanted).expanduser()
    if path.suffix in READABLE:
        return _file(path, place)
    if path.is_dir() and len(images := image_folders(path)) == 1:
        return _loaded(images)[next(iter(images))]
    splits = f"the splits are {', '.join(source)}" if source else "without data.name there are no splits"
    raise RecipeError(
        f"{place}: {wanted} is neither a split nor a file ({', '.join(SUFFIXES)}) nor a folder of images; {splits}."
        f"{did_you_mean(wanted, source)}"
    )


def _file(path: Path, place: str) -> Shards:
    if path.suffix in IMAGE_SUFFIXES and path.is_file():
        return (DatasetShard(str(path), image_table([str(path)])),)
    try:
        require_file(path)
    except RecipeError as error:
        raise RecipeError(f"{place}: {error}") from error
    return (FileShard(path),)


def _loaded(tables: Mapping[str, Dataset]) -> dict[str, Shards]:
    return {split: (DatasetShard(split, table),) for split, table in tables.items()}


def open_source(
    name: str, config: str | None, revision: str | None, place: str, *, streaming: bool = False
) -> dict[str, Shards]:
    """The splits of a file, directory, asset or Hub data set, by name; with `streaming`, the Hub's are not downloaded.

    Raises:
        RecipeError: there is none of that name.
        DataError: rows that can't be read, or a Hub that can't be reached.
    """
    from hf_efficient.assets import is_asset, resolve

    path = Path(name).expanduser()
    local = is_asset(name) or path.exists() or name.startswith((".", "/", "~")) or path.suffix in READABLE
    if not local:
        return _open_hub(name, config, revision, place, streaming)
    for setting, value in (("config", config), ("revision", revision)):
        if value is not None:
            raise RecipeError(f"{place}: {name} is not on the Hub, so data.{setting} has no effect; remove it")
    if is_asset(name):
        return _open_directory(resolve(name), place)
    return _open_directory(path, place) if path.is_dir() else {"train": _file(path, place)}


def _open_directory(folder: Path, place: str) -> dict[str, Shards]:
    from datasets import DatasetDict, load_from_disk

    if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
        try:
            saved = load_from_disk(folder)
        except Exception as error:  # a damaged folder raises whatever its damaged file does
            raise DataError(f"{folder}: can't be loaded as saved by datasets: {first_line(error)}") from error
        return _loaded({str(k): v for k, v in saved.items()} if isinstance(saved, DatasetDict) else {"train": saved})
    files = _split_files(folder) or _split_files(folder / "data")
    if not files and (images := image_folders(folder)):
        return _loaded(images)
    if not files:
        raise RecipeError(
            f"{place}: {folder} holds no data set: expected one saved by datasets, or files named train, validation "
            f"and test ending in {', '.join(SUFFIXES)}, or a folder of images for each class"
        )
    return {split: _of_one_set(split, paths) for split, paths in files.items()}


def _split_files(folder: Path) -> dict[str, list[Path]]:
    """Files of each split, shards such as `train-00000-of-00002.parquet` included."""
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*")):
        stem = path.stem.split("-")[0].lower()
        split = next((split for split, stems in _STEMS.items() if stem in stems), None)
        if split and path.suffix in SUFFIXES:
            files.setdefault(split, []).append(path)
    return files


def _of_one_set(split: str, paths: list[Path]) -> Shards:
    stems = {path.stem.split("-")[0] + path.suffix for path in paths}
    if len(stems) > 1 or (len(paths) > 1 and not all("-of-" in path.stem for path in paths)):
        names = ", ".join(path.name for path in paths)
        raise DataError(
            f"{paths[0].parent}: expected one file of {split} rows, found {names}; name one in data.{split}"
        )
    return tuple(FileShard(path) for path in paths)


def _open_hub(name: str, config: str | None, revision: str | None, place: str, streaming: bool) -> dict[str, Shards]:
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError, DatasetsError

    try:
        with quick_to_fail():
            loaded = load_dataset(name, config, revision=revision, streaming=streaming)
    except DatasetNotFoundError as error:
        raise RecipeError(
            f"{place}: there is no file, directory or Hub data set {name}, or it is private: check the name, and log "
            "in with `hf auth login` if it needs a token"
        ) from error
    except ConnectionError as error:
        raise DataError(
            f"{place}: {name} is not in the cache and the Hub can't be reached; run `hf download {name} --repo-type "
            "dataset --local-dir DIR` on a machine that reaches it and set data.name to DIR, or use "
            "demo/movie-sentiment"
        ) from error
    except ValueError as error:  # an unknown or missing configuration; the message lists those that exist
        raise RecipeError(f"{place}: {first_line(error)}; set data.config") from error
    except (DatasetsError, OSError, RuntimeError) as error:
        raise DataError(f"{place}: {name} can't be loaded: {first_line(error)}") from error
    if streaming:
        return {str(split): _shards(f"{name} {split}", rows) for split, rows in loaded.items()}
    return _loaded({str(split): table for split, table in loaded.items()})


def _shards(name: str, rows: IterableDataset) -> Shards:
    count = rows.num_shards
    return tuple(DatasetShard(f"{name} file {i + 1}", rows.shard(count, i)) for i in range(count))
