from __future__ import annotations

import io

import pytest
from datasets import Dataset
from PIL import Image

from hf_efficient.data import load_table
from hf_efficient.data.images import ImageRules, encoded_images, image_mode, read_image, resolve_image_columns
from hf_efficient.errors import DataError, RecipeError
from hf_efficient.recipe import Columns
from tests.tiny_images import save_images


def png(size=(3, 2), mode="L", colour=7) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, "png")
    return buffer.getvalue()


def test_a_folder_of_classes_is_a_training_split(tmp_path):
    table = load_table(str(save_images(tmp_path / "pets", 2)))
    assert table["label"][:] == ["dark", "dark", "light", "light"]
    assert table["image"][0] == {"bytes": None, "path": str(tmp_path / "pets" / "dark" / "00.png")}


def test_folders_named_as_splits_are_splits(tmp_path):
    save_images(tmp_path / "train", 3)
    save_images(tmp_path / "val", 1)
    assert len(load_table(str(tmp_path), split="train")) == 6
    assert len(load_table(str(tmp_path), split="val")) == 2


def test_loose_images_have_no_labels_and_do_not_mix_with_classes(tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    assert load_table(str(tmp_path)).column_names == ["image"]
    save_images(tmp_path, 1)
    with pytest.raises(DataError, match=r"a\.png: expected each image in the folder of its class \(dark, light\)"):
        load_table(str(tmp_path))


def test_a_column_of_bytes_holds_images():
    table = Dataset.from_dict({"photo": [png(), png()], "label": ["a", "b"]})
    roles = resolve_image_columns(Columns(), table, str)
    assert (roles.image, roles.label, roles.weight) == ("photo", ("label",), None)
    value = encoded_images(table, "photo", "train")["image"][0]
    image = read_image(value, "RGB", "train row 1")
    assert (image.size, image.getpixel((0, 0))) == ((3, 2), (7, 7, 7))


def test_a_named_column_that_is_missing():
    with pytest.raises(RecipeError, match=r"there is no column phoot, only photo\. Did you mean photo\?"):
        resolve_image_columns(Columns(image="phoot"), Dataset.from_dict({"photo": [png()]}), str)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"no image", "train row 2: expected an image, found a file that pillow does not know"),
        (None, "train row 2: the image can't be read: expected an image, found none; fill or drop such rows"),
    ],
)
def test_a_row_that_is_no_image_is_named(value, words):
    table = Dataset.from_dict({"image": [png(), value], "label": ["a", "b"]})
    with pytest.raises(DataError) as error:
        ImageRules.of(Columns(), table, str).check(table, "train", scored=True)
    assert str(error.value) == words


@pytest.mark.parametrize(("mean", "mode"), [([0.5], "L"), ([0.5] * 3, "RGB"), (None, "RGB")])
def test_the_mode_is_what_the_processor_normalises(mean, mode):
    assert image_mode(type("Processor", (), {"image_mean": mean})()) == mode
