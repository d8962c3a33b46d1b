"""python benchmarks/views_by_models.py [--masked-lm DIR] [--teacher RUN] [--confidence 0.9] [--rows 200] [--examples 4]

Views that models make of movie reviews, on one thread: how many a second of CPU time, how many differ from their row,
and how many a fine-tuned teacher takes for another class. The models are SmolLM2-135M, the offline pair English and
Portuguese (the extra `translation`) and, where its directory is given, a masked language model of
`benchmarks/train_masked_lm.py`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator

import torch
from datasets import Dataset

from hf_efficient.assets import resolve
from hf_efficient.models.teacher import Loaded
from hf_efficient.recipe.augment_models import BackTranslation, Contextual, Paraphrase
from hf_efficient.techniques.augment.back_translation import BackTranslator
from hf_efficient.techniques.augment.contextual import Contextualizer
from hf_efficient.techniques.augment.kept import Costly
from hf_efficient.techniques.augment.label_keep import LabelKeeper
from hf_efficient.techniques.augment.paraphrase import Paraphraser
from hf_efficient.techniques.augment.pretrained import load


def augmenters(masked_lm: str | None) -> Iterator[tuple[str, Costly]]:
    """The augmenters by their names, models loaded."""
    if masked_lm is not None:
        yield "contextual", Contextualizer.of(Contextual(model=masked_lm), "cpu", str)
    yield "back_translation", BackTranslator.of(BackTranslation(), "cpu", str)
    yield "paraphrase", Paraphraser.of(Paraphrase(model="demo/smollm2-135m"), "cpu", str)


def made(augmenter: Costly, texts: list[str]) -> tuple[list[str], float]:
    """A view of each text, those of about the same length together, and the CPU seconds."""
    order = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
    views, began = dict.fromkeys(order, ""), time.process_time()
    for start in range(0, len(order), augmenter.rows_of_pass):
        few = order[start : start + augmenter.rows_of_pass]
        views.update(zip(few, augmenter.views([texts[number] for number in few], few), strict=True))
    return [views[number] for number in range(len(texts))], time.process_time() - began


def flipped(teacher: Loaded, confidence: float, texts: list[str], views: list[str]) -> int:
    """Views that the teacher is sure to be of another class than it takes their row for."""
    keeper = LabelKeeper(teacher, confidence, ("text",), "cpu")
    return int(keeper.flips(*(Dataset.from_dict({"text": each}) for each in (texts, views))).sum())


def main() -> None:
    """Make views, print a line of JSON for each augmenter, and some of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--masked-lm")
    parser.add_argument("--teacher")
    parser.add_argument("--confidence", type=float, default=0.9)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--examples", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = Dataset.from_parquet(str(resolve("demo/movie-sentiment") / "train.parquet"))
    texts = rows.shuffle(seed=0).select(range(options.rows))["text"][:]
    teacher = options.teacher and load(options.teacher, "AutoModelForSequenceClassification", "cpu", "--teacher")
    for name, augmenter in augmenters(options.masked_lm):
        views, seconds = made(augmenter, texts)
        changed = sum(text != view for text, view in zip(texts, views, strict=True))
        facts = {"augmenter": name, "views_per_cpu_second": round(len(texts) / seconds, 1), "changed": changed}
        print(json.dumps({**facts, "flipped": teacher and flipped(teacher, options.confidence, texts, views)}))
        for text, view in list(zip(texts, views, strict=True))[: options.examples]:
            print(f"  {text}\n→ {view}")


if __name__ == "__main__":
    main()
