"""Views of rows, of data sets that a recipe has read and of others."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from datasets import Dataset
from PIL import Image

from hf_efficient.data.drawn import ITSELF
from hf_efficient.data.images import image_mode
from hf_efficient.errors import PlanError
from hf_efficient.plan import Plan
from hf_efficient.recipe.augment import Augment
from hf_efficient.techniques import apply_techniques
from hf_efficient.techniques.augment.images import views_of
from hf_efficient.techniques.augment.images.mixing import MixingCollator
from hf_efficient.techniques.augment.images.pictures import Files, Open, Pixels, pictures_of
from tests.tiny import Case

ARGS = SimpleNamespace(seed=0, data_seed=None)
RAMP = np.arange(0, 160, 10, dtype=np.uint8).reshape(4, 4)


def rows(number=6):
    """Grey images, each as light as its number, of three classes."""
    return [
        {"image": Image.fromarray(np.full((4, 4), 10 * row, dtype=np.uint8)), "labels": row % 3}
        for row in range(number)
    ]


def plan(table, **settings):
    model = Case("vit", "single_label_classification").make_model()
    return Plan(model=model, args=ARGS, train_dataset=table, **settings)


def drawn(augment, table=None, **settings):
    return apply_techniques(plan(table or rows(), **settings), [Augment(**augment)])


def test_a_row_keeps_all_but_its_image():
    view = drawn({"rotation": {}}).train_dataset[3]
    assert view["labels"] == 0
    assert view["image"].size == (4, 4)


def test_views_are_a_function_of_seed_epoch_row_and_copy():
    found = drawn({"noise": {"probability": 1.0}, "copies": 2}).train_dataset
    again = pickle.loads(pickle.dumps(found))
    images = [found[index]["image"].tobytes() for index in range(24)]
    assert images == [again[index]["image"].tobytes() for index in reversed(range(24))][::-1]
    assert len(set(images)) == 24


def test_images_and_labels_are_mixed_with_the_same_row():
    """The lightness of an image is that of its row, so that it tells the partner."""
    found = drawn({"mixup": {"alpha": 1.0}}).train_dataset
    seen = set()
    for index in range(60):
        view, own = found[index], index % 6
        share = view["sample_weight"]
        assert share + view["partner_weight"] == pytest.approx(1.0)
        if view["partner_weight"] > 0.3:
            light = np.asarray(view["image"]).mean()
            partner = round((light - share * 10 * own) / view["partner_weight"] / 10)
            assert view["partner_labels"] == partner % 3
            seen.add((own, partner))
    assert len(seen) > 12


def test_weights_of_rows_are_shared_out():
    table = [{**row, "sample_weight": 4.0 if number % 2 else 0.0} for number, row in enumerate(rows())]
    found = drawn({"cutmix": {}}, table).train_dataset
    views = [found[index] for index in range(60)]
    assert all(view["sample_weight"] == 0 for view in views[::2])
    assert {0.0} < {view["partner_weight"] for view in views[::2]}
    assert max(view["partner_weight"] for view in views) <= 4.0


def test_originals_are_not_mixed():
    found = drawn({"mixup": {}, "originals": True}).train_dataset
    assert [found[index]["partner_weight"] for index in range(6)] == [0.0] * 6
    assert found[3]["image"].tobytes() == rows()[3]["image"].tobytes()


def test_a_control_leaves_every_row_as_it_is():
    found = drawn({"mixup": {}, "noise": {}, "copies": 2, "control": True}).train_dataset
    assert len(found) == found.rows_per_epoch == 12
    assert [found[index]["image"].tobytes() for index in range(12)] == [row["image"].tobytes() for row in rows()] * 2
    assert set(found[0]) == {"image", "labels"}


def test_small_classes_get_views_until_they_have_the_size():
    table = [row for row in rows(9) if row["labels"] != 1] + rows()[1:2]
    found = drawn({"flip": {}, "below_class_size": 3}, table).train_dataset
    assert [found[index]["labels"] for index in range(found.rows_per_epoch)] == [0, 2, 0, 2, 0, 2, 1, 1, 1]
    assert found.copies.tolist() == [ITSELF] * 7 + [0, 1]


def test_rows_without_labels_stand_last_in_an_epoch():
    found = drawn({"flip": {}, "copies": 2, "originals": True}, num_unlabelled=2)
    assert found.num_unlabelled == 6
    assert found.train_dataset.numbers[-6:].tolist() == [4, 5] * 3
    assert found.train_dataset.numbers[:-6].tolist() == [0, 1, 2, 3] * 3


def test_labelled_images_are_mixed_with_labelled_ones():
    table = [{**row, "labels": number} for number, row in enumerate(rows())]
    found = drawn({"mixup": {"alpha": 1.0}}, table, num_unlabelled=2).train_dataset
    pairs = {(view["labels"], view["partner_labels"]) for view in (found[index] for index in range(300))}
    assert pairs == {(own, other) for group in ((0, 1, 2, 3), (4, 5)) for own in group for other in group}


@pytest.mark.parametrize("problem", ["multi_label", "regression"])
def test_labels_that_are_no_classes_are_not_balanced(problem):
    task = SimpleNamespace(facts=lambda: {"problem": problem})
    with pytest.raises(PlanError, match=rf"below_class_size can't take effect: .* this is a {problem} problem"):
        drawn({"flip": {}, "below_class_size": 3}, task=task)


def test_images_that_are_open_keep_their_colours():
    grey, colour, clear, palette = (Image.new(mode, (2, 2)) for mode in ("L", "RGB", "RGBA", "P"))
    assert [Open("image").read({"image": image}).mode for image in (grey, colour, clear, palette)] == [
        *("L", "RGB", "RGB", "RGB")
    ]


@pytest.mark.parametrize(
    "processor",
    [
        transformers.ViTImageProcessorPil(size={"height": 4, "width": 4}),
        transformers.ViTImageProcessorPil(size={"height": 4, "width": 4}, image_mean=[0.2], image_std=[0.1]),
        transformers.ViTImageProcessorPil(size={"height": 4, "width": 4}, do_normalize=False),
        transformers.ViTImageProcessorPil(size={"height": 4, "width": 4}, rescale_factor=1 / 127.5, do_normalize=False),
    ],
)
def test_pixel_values_become_the_image_that_they_were(processor):
    image = Image.fromarray(RAMP).convert(image_mode(processor))
    values = torch.as_tensor(processor(image)["pixel_values"][0])
    pictures = pictures_of({"pixel_values": values}, processor)
    assert isinstance(pictures, Pixels)
    found = pictures.read({"pixel_values": values})
    assert found.tobytes() == image.tobytes()
    torch.testing.assert_close(pictures.put({}, found)["pixel_values"], values.float(), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("table", "settings", "augment", "reason"),
    [
        ([{"pixel_values": torch.zeros(3, 4, 4), "labels": 0}], {}, "flip", "give EfficientTrainer processing_class="),
        ([{"input_ids": [1], "labels": 0}], {}, "flip", "expected a column image .*; found input_ids, labels"),
        (iter(()), {}, "flip", "asks for images by their number"),
        (rows(), {"losses": ("own",)}, "mixup", "does not; take them out"),
    ],
)
def test_rows_that_can_not_be_augmented_are_refused(table, settings, augment, reason):
    with pytest.raises(PlanError, match=reason):
        drawn({augment: {}}, table, **settings)


def test_grey_images_have_no_colours_to_change():
    section, files = Augment(color_jitter={"hue": 0.1}), Files("L")
    with pytest.raises(PlanError, match=r"augment\.color_jitter\.hue can't take effect: .* makes images grey"):
        views_of(rows(), files, section, 0)
    assert views_of(rows(), files, Augment(color_jitter={}), 0).mixing is None


def test_a_collator_need_not_know_of_partners():
    features = [
        {"labels": 0, "sample_weight": 0.25, "partner_labels": 1, "partner_weight": 0.75},
        {"labels": 2, "sample_weight": 1.0, "partner_labels": 2, "partner_weight": 0.0},
    ]
    collate = MixingCollator(lambda rows: {"labels": torch.tensor([row["labels"] for row in rows]), "n": len(rows[0])})
    batch = collate(features)
    assert (batch["labels"].tolist(), batch["partner_labels"].tolist(), batch["n"]) == ([0, 2], [1, 2], 1)
    assert batch["partner_labels"].dtype == torch.long
    assert (batch["sample_weight"].tolist(), batch["partner_weight"].tolist()) == ([0.25, 1.0], [0.75, 0.0])
    assert collate([{"labels": 1}])["n"] == 1


def test_several_labels_a_row_have_several_of_the_partner():
    row = {"labels": [1.0, 0.0], "sample_weight": 1.0, "partner_labels": [0.0, 1.0], "partner_weight": 0.0}
    batch = MixingCollator(lambda rows: {"labels": torch.tensor([row["labels"] for row in rows])})([row, row])
    assert batch["partner_labels"].tolist() == [[0.0, 1.0]] * 2
    assert batch["partner_labels"].dtype == torch.float


def test_images_of_a_data_set_are_augmented_as_they_are_decoded():
    images = [row["image"] for row in rows()]
    table = Dataset.from_dict({"image": images, "label": [0, 1, 2, 0, 1, 2]})
    found = drawn({"mixup": {}, "erasing": {}}, table).train_dataset
    assert found[0]["image"].size == (4, 4)
    assert {"label", "partner_labels"} <= set(found[0])
    assert found.column_names == ("image", "label", "sample_weight", "partner_labels", "partner_weight")
