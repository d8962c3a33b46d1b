"""Train a masked language model on MiniLM-L6 for `augment: {contextual: {model: DIR}}`.

    python benchmarks/train_masked_lm.py DIR [--steps 1000] [--learning-rate 5e-4] [--bf16] [--seed 0]

No masked language model is to be had from a package index. MiniLM's body is one that has lost its head: a new one, tied
to the embeddings, is trained with the body on the texts of movie reviews, tweets and the Brown corpus, and the fills of
some held-out reviews are printed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import transformers
from datasets import Dataset
from torch import Tensor
from torch.nn import functional
from transformers import AutoTokenizer, DataCollatorForLanguageModeling, TrainingArguments
from transformers.modeling_outputs import MaskedLMOutput

from hf_efficient import EfficientTrainer
from hf_efficient.assets import resolve
from hf_efficient.data.batches import Batches
from hf_efficient.losses import IGNORED
from hf_efficient.models.load import quiet
from hf_efficient.recipe.augment_models import Contextual
from hf_efficient.techniques.augment.contextual import Contextualizer

MAX_LENGTH = 48
ROWS_OF_STEP = 32
WORDS_OF_BROWN = 40
"""A document of the Brown corpus is cut into texts of so many words."""
SCORED = 500


class BertForMaskedLM(transformers.BertForMaskedLM):
    """The model of that name; while it is trained, words is scored at the masks alone, one token in seven."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> MaskedLMOutput:
        """Loss of the masked tokens; without labels the logits of all."""
        if labels is None:
            return super().forward(input_ids=input_ids, attention_mask=attention_mask)
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask)[0]
        is_masked = labels != IGNORED
        logits = self.cls(hidden[is_masked])
        return MaskedLMOutput(loss=functional.cross_entropy(logits.float(), labels[is_masked]), logits=logits)


def texts() -> tuple[list[str], list[str]]:
    """Texts to train on, and held-out movie reviews."""
    movies, tweets, brown = (resolve(f"demo/{name}") for name in ("movie-sentiment", "tweets", "brown-text"))
    train = [*_column(movies / "train.parquet"), *_column(tweets / "train.parquet")]
    for document in _column(brown / "train.parquet"):
        train += _pieces(document)
    return train, _column(movies / "validation.parquet")[:SCORED]


def _column(path: Path) -> list[str]:
    column: list[str] = Dataset.from_parquet(str(path))["text"][:]
    return column


def _pieces(document: str) -> Iterator[str]:
    words = document.split()
    for start in range(0, len(words), WORDS_OF_BROWN):
        yield " ".join(words[start : start + WORDS_OF_BROWN])


def encode(rows: list[str], tokenizer: object) -> Dataset:
    """The texts as token ids."""
    ids = tokenizer(rows, truncation=True, max_length=MAX_LENGTH)["input_ids"]  # type: ignore[operator]
    return Dataset.from_dict({"input_ids": ids})


def main() -> None:
    """Train, save, score and show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output_dir", type=Path)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--bf16", action="store_true", help="on processors with AMX, and on GPUs")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    body = resolve("demo/minilm-l6")
    tokenizer = AutoTokenizer.from_pretrained(body)
    with quiet(local=True):
        model = BertForMaskedLM.from_pretrained(body, dtype=torch.float32)
    train, scored = texts()
    rows, held_out = encode(train, tokenizer), encode(scored, tokenizer)
    lengths = np.array([len(ids) for ids in rows["input_ids"]])
    args = TrainingArguments(
        output_dir=str(options.output_dir),
        max_steps=options.steps,
        per_device_train_batch_size=ROWS_OF_STEP,
        per_device_eval_batch_size=64,
        learning_rate=options.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=0.05,
        logging_steps=50,
        save_strategy="no",
        prediction_loss_only=True,
        use_cpu=not torch.cuda.is_available(),
        bf16=options.bf16,
        dataloader_pin_memory=False,
        disable_tqdm=True,
        report_to="none",
        seed=options.seed,
    )
    collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
    trainer = EfficientTrainer(
        model, args, data_collator=collator, train_dataset=rows, eval_dataset=held_out, batches=Batches(lengths)
    )
    began = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - began
    trainer.save_model()
    tokenizer.save_pretrained(options.output_dir)
    loss = trainer.evaluate()["eval_loss"]
    print(json.dumps({"steps": options.steps, "seconds": round(seconds), "loss_of_masked_tokens": round(loss, 3)}))
    show(str(options.output_dir), scored[:10])


def show(model: str, rows: list[str]) -> None:
    """Print texts and views of them."""
    augmenter = Contextualizer.of(Contextual(model=model), "cpu", str)
    for text, view in zip(rows, augmenter.views(rows, list(range(len(rows)))), strict=True):
        print(f"  {text}\n→ {view}")


if __name__ == "__main__":
    main()
