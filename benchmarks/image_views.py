"""python benchmarks/image_views.py [--rounds 7] [--images 128] [--json FILE]

Batches of 32 images, from their files to the tensors that a model takes, with and without each change of `augment:`:
images a second, and how much longer a batch takes than without.

Grey images of 28 × 28 in PNG files, and coloured ones of 224 × 224 in JPEG files, of smooth random patterns. A round
makes every kind of batch once, in an order that turns; CPU time, one thread. The figure is the median over the rounds
of the ratio of paired times.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from datasets import Dataset, Features, Value
from datasets import Image as ImageFeature
from PIL import Image
from rich.console import Console
from side_by_side import RESULTS, spread, turns, write_json
from transformers import ViTImageProcessorPil

BATCH: Final = 32
KINDS: Final = {"28 x 28 grey": (28, 1, "PNG"), "224 x 224 colour": (224, 3, "JPEG")}
CHANGES: Final[dict[str, dict[str, Any] | None]] = {
    "none": None,
    **{
        name: {name: {"probability": 1.0}}
        for name in (
            *("crop", "flip", "rotation", "affine", "perspective", "rand_augment", "trivial_augment", "color_jitter"),
            *("blur", "noise", "erasing", "mixup", "cutmix"),
        )
    },
    "crop, flip, erasing": {"crop": {}, "flip": {}, "erasing": {}},
    "crop, flip, trivial_augment, erasing, cutmix": {
        **{"crop": {}, "flip": {}, "trivial_augment": {}, "erasing": {}, "cutmix": {}},
    },
}


def encoded(size: int, channels: int, form: str, number: int) -> Dataset:
    """Rows of files as a recipe's rows are."""
    generator = np.random.default_rng(0)
    values = []
    for _ in range(number):
        coarse = generator.integers(256, size=(7, 7, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
        file = io.BytesIO()
        image.convert("L" if channels == 1 else "RGB").save(file, form)
        values.append({"bytes": file.getvalue(), "path": None})
    columns = {"image": values, "name": [str(row) for row in range(number)], "labels": [0, 1] * (number // 2)}
    features = {"image": ImageFeature(decode=False), "name": Value("string"), "labels": Value("int64")}
    return Dataset.from_dict(columns, features=Features(features))


def loader(kind: str, change: dict[str, Any] | None, number: int) -> Any:
    """What makes all batches of an epoch of this kind of images."""
    from hf_efficient import Augment
    from hf_efficient.plan import Plan
    from hf_efficient.tasks.image_classification import ImageClassification
    from hf_efficient.techniques import apply_techniques

    size, channels, form = KINDS[kind]
    side = {"height": size, "width": size}
    processor = ViTImageProcessorPil(size=side, image_mean=[0.5] * channels, image_std=[0.5] * channels)
    task = ImageClassification(SimpleNamespace(), "single_label", ("a", "b"), None, (), 0.5)
    plan = Plan(
        args=SimpleNamespace(seed=0, data_seed=None),
        train_dataset=encoded(size, channels, form, number),
        processing_class=processor,
        data_collator=task.collator(processor),
        task=task,
        losses=(task.loss(),),
    )
    if change is not None:
        plan = apply_techniques(plan, [Augment(**change)])
    rows, collate = plan.train_dataset, plan.data_collator

    def batches() -> None:
        for start in range(0, number, BATCH):
            collate([rows[row] for row in range(start, start + BATCH)])

    return batches


def seconds(batches: Any) -> float:
    """CPU seconds of an epoch."""
    start = time.process_time()
    batches()
    return time.process_time() - start


def compare(kind: str, rounds: int, number: int) -> dict[str, Any]:
    """Images a second with each change, and how many times as long as without one."""
    loaders = {name: loader(kind, change, number) for name, change in CHANGES.items()}
    for batches in loaders.values():
        batches()  # warms up
    found = [{name: seconds(loaders[name]) for name in turns(list(CHANGES), round_)} for round_ in range(rounds)]
    return {
        name: {
            "images_per_second": spread(number / times[name] for times in found),
            "times_as_long": spread(times[name] / times["none"] for times in found),
        }
        for name in CHANGES
    }


def main() -> None:
    """Run the benchmark, print its result, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--json", type=Path, default=RESULTS / "image_views.json")
    options = parser.parse_args()
    results = {kind: compare(kind, options.rounds, options.images) for kind in KINDS}
    for kind, changes in results.items():
        for name, figures in changes.items():
            rate, ratio = figures["images_per_second"]["median"], figures["times_as_long"]["median"]
            Console().print(f"{kind}, {name}: {rate:,.0f} images/s, {ratio:.2f} x as long", soft_wrap=True)
    write_json(options.json, rounds=options.rounds, images=options.images, batch=BATCH, results=results)


if __name__ == "__main__":
    main()
