"""Images: which column holds them, folders of them, and opening one."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hf_efficient.data.columns import label_columns, missing_column, refuse_missing
from hf_efficient.data.files import first_line
from hf_efficient.data.rules import LabelRules
from hf_efficient.errors import DataError, HfEfficientError

if TYPE_CHECKING:
    from datasets import Dataset
    from PIL.Image import Image

    from hf_efficient.recipe.data import Columns

IMAGE_NAMES: Final = ("image", "img")
IMAGE_SUFFIXES: Final = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Endings of the files that are taken for images."""


@dataclass(frozen=True)
class ImageRoles:
    """The columns of an image classification data set, by the part that they play."""

    image: str
    label: tuple[str, ...]
    """One column, or several of 0 and 1; empty where the rows have no labels."""
    weight: str | None


def resolve_image_columns(columns: Columns, table: Dataset, place: Callable[[str], str]) -> ImageRoles:
    """The columns that the recipe names, or that the names and types of the table's columns tell.

    Raises:
        RecipeError: a named column does not exist.
        DataError: the image column can't be told.
    """
    label = label_columns(columns, table)
    refuse_missing({"image": columns.image, "weight": columns.weight}, label, table, place)
    return ImageRoles(columns.image or _guess_image(table, place), label, columns.weight)


def _guess_image(table: Dataset, place: Callable[[str], str]) -> str:
    for usual in IMAGE_NAMES:
        if usual in table.column_names:
            return usual
    images: list[str] = [name for name, feature in table.features.items() if _holds_images(feature)]
    if len(images) == 1:
        return images[0]
    raise DataError(
        f"{place('data.columns.image')}: expected a column named {' or '.join(IMAGE_NAMES)}, or only one of images; "
        f"there are {', '.join(table.column_names)}; name it in data.columns.image"
    )


def _holds_images(feature: Any) -> bool:
    from datasets import Image

    return isinstance(feature, Image) or getattr(feature, "dtype", None) in ("binary", "large_binary")


@dataclass(frozen=True)
class ImageRules(LabelRules):
    """Rows of one image, with a label."""

    image: str

    @classmethod
    def of(cls, columns: Columns, table: Dataset, place: Callable[[str], str]) -> ImageRules:
        """The rules for tables like this one.

        Raises:
            HfEfficientError: pillow is not installed.
        """
        require_pillow()
        roles = resolve_image_columns(columns, table, place)
        return cls(roles.label, roles.image)

    def check(self, table: Dataset, split: str, *, scored: bool) -> None:
        """Files begin as images do (pixels are read when they are used); labels are there where rows are scored."""
        for number, value in enumerate(_values(encoded_images(table, self.image, split)), start=1):
            with _explained(image_name(value, split, number)), _open(value):
                pass
        self.check_labels(table, split, scored=scored)


def require_pillow() -> None:
    """Refuse images where nothing can open them.

    Raises:
        HfEfficientError: pillow is not installed.
    """
    if importlib.util.find_spec("PIL") is None:
        raise HfEfficientError("images need pillow, which is not installed; run `pip install 'hf-efficient[image]'`")


def encoded_images(table: Dataset, column: str, split: str) -> Dataset:
    """The column `image` alone, its values `{"bytes": …, "path": …}` as they lie on disk, not decoded.

    Raises:
        DataError: the column does not exist, or holds neither files nor paths of images.
    """
    from datasets import Image

    if column not in table.column_names:
        raise DataError(f"{split}: {missing_column(column, table.column_names)}")
    images = table.select_columns([column])
    if column != "image":
        images = images.rename_column(column, "image")
    try:
        return images.cast_column("image", Image(decode=False))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{split}: column {column}: expected images, the bytes of image files or their paths, found "
            f"{table.features[column]}; name another column in data.columns.image"
        ) from error


@contextmanager
def without_bars() -> Iterator[None]:
    """`datasets` 5.2 draws a bar where a column is added to chosen rows."""
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def image_name(value: Mapping[str, Any] | None, split: str, number: int) -> str:
    """What messages call an image: its path where it is a file, else its row."""
    if value and value["bytes"] is None and value["path"]:
        return str(value["path"])
    return f"{split} row {number}"


def read_image(value: Mapping[str, Any] | Image, mode: str, name: str) -> Image:
    """The pixels of an image, upright, in one of pillow's modes such as `RGB` or `L`; one that is open already is them.

    Raises:
        DataError: it can't be read.
    """
    from PIL import ImageOps

    if not isinstance(value, Mapping):
        return value
    with _explained(name), _open(value) as image:
        return ImageOps.exif_transpose(image).convert(mode)


def image_mode(processor: Any) -> str:
    """Pillow's mode of the images that a processor takes: `L` where it normalises one channel, else `RGB`."""
    mean = getattr(processor, "image_mean", None)
    return "L" if isinstance(mean, (list, tuple)) and len(mean) == 1 else "RGB"


def image_size(value: Mapping[str, Any], name: str) -> tuple[int, int]:
    """Width and height of an image in pixels, read from its head.

    Raises:
        DataError: it can't be read.
    """
    with _explained(name), _open(value) as image:
        return image.size


def _values(images: Dataset) -> Iterator[Any]:
    for batch in images.iter(batch_size=100):
        yield from batch["image"]


def _open(value: Mapping[str, Any] | None) -> Image:
    import PIL.Image

    if not value or (value["bytes"] is None and not value["path"]):
        raise ValueError("expected an image, found none; fill or drop such rows")
    return PIL.Image.open(value["path"] if value["bytes"] is None else io.BytesIO(value["bytes"]))


class _explained:  # noqa: N801
    """Turns what pillow raises into one line; a class, since a generator costs more than opening a small image."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        import PIL.Image

        if isinstance(error, PIL.UnidentifiedImageError):
            raise DataError(f"{self.name}: expected an image, found a file that pillow does not know") from error
        # pillow raises all of these for damaged files.
        if isinstance(error, (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError)):
            said = getattr(error, "strerror", None) or first_line(error)
            raise DataError(f"{self.name}: the image can't be read: {said}") from error


def image_folders(folder: Path) -> dict[str, Dataset]:
    """Splits of a folder of images, by name; empty where it is none.

    `folder/train/cat/1.png` is a split and a class, `folder/cat/1.png` a class of the split `train`, and
    `folder/1.png` an image of it without a label. Files that are no images are passed over.

    Raises:
        DataError: images that lie partly in folders of classes and partly beside them, or can't be listed.
    """
    try:
        parts = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
        splits = {name: path for name, path in parts.items() if name in SPLIT_FOLDERS}
        tables = {name: _image_table(path) for name, path in (splits or {"train": folder}).items()}
    except OSError as error:
        raise DataError(f"{error.filename}: can't be read: {error.strerror}") from error
    return {name: table for name, table in tables.items() if table is not None}


SPLIT_FOLDERS: Final = ("train", "training", "validation", "valid", "val", "dev", "test")
"""Names of folders that hold a split rather than a class."""


def _image_table(folder: Path) -> Dataset | None:
    """The images below a folder, labelled with the folder right below it that they lie in."""
    classes = {path.name: _images_below(path) for path in sorted(folder.iterdir()) if path.is_dir()}
    labelled = [(str(path), name) for name, paths in classes.items() for path in paths]
    loose = [path for path in sorted(folder.iterdir()) if _is_image(path)]
    if loose and labelled:
        raise DataError(
            f"{loose[0]}: expected each image in the folder of its class ({', '.join(classes)}), found it beside them"
        )
    if loose:
        return image_table([str(path) for path in loose])
    return image_table(*zip(*labelled, strict=True)) if labelled else None


def image_table(paths: Any, labels: Any = None) -> Dataset:
    """Rows of image files, and their labels where there are some."""
    from datasets import Dataset, Features, Image, Value

    columns = {"image": list(paths)} | ({} if labels is None else {"label": list(labels)})
    features = {"image": Image(decode=False)} | ({} if labels is None else {"label": Value("string")})
    return Dataset.from_dict(columns, features=Features(features))


def _images_below(folder: Path) -> list[Path]:
    next(folder.iterdir(), None)  # rglob passes over a folder that can't be read
    return sorted(path for path in folder.rglob("*") if _is_image(path))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
