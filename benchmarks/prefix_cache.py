"""python benchmarks/prefix_cache.py [--rounds 5] [--rows 960] [--fp32] [--json FILE]

An epoch of MiniLM-L6 on `demo/movie-sentiment` with 4 of its 6 layers frozen (and with all of them frozen), with what
leaves them computed in each step and with it kept on disk (`freeze.cache`).

A round trains each variant for an epoch on the same rows, one after the other, in an order that turns; CPU time of the
steps, one thread, batches of 16 grouped by length, the precision that `auto` takes here. The figure is the median over
the rounds of the ratio of paired times, cached over computed. Beside it stands what the shares of the work foretell:
(3u + c) / (L + 2u + c), where u of L layers are trained, a backward pass costs two forward passes, f is the measured
forward pass of a layer over the same batches, and c is the measured rest (loading, look-up, head, optimizer, trainer)
in units of f: an epoch in which the layers above are skipped, too, while the optimizer moves them by gradients of 0.

What it costs to compute the hidden states of all rows once, and to find them again in a later run, stands apart.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import torch
from rich.console import Console
from rich.table import Table
from side_by_side import BF16, RESULTS, Clock, CountingCollator, Rows, encoded, spread, turns, write_json
from transformers import AutoModelForSequenceClassification, PrinterCallback, TrainerCallback, TrainingArguments

from hf_efficient import Batching, EfficientTrainer, Freeze
from hf_efficient.models.prefix import Prefix
from hf_efficient.techniques.freeze.cache import OpenCache

BATCH: Final = 16
LAYERS: Final = 6
FROZEN: Final = {"4 of 6": 4, "all": LAYERS}
VARIANTS: Final = ("computed", "cached", "rest")


class SkipLayers(TrainerCallback):
    """Skips the layers that are trained, which the optimizer moves by gradients of 0: what is left is the rest."""

    def __init__(self, num_frozen: int) -> None:
        self.num_frozen = num_frozen

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before the first batch is drawn."""
        for layer in kwargs["model"].bert.encoder.layer[self.num_frozen :]:
            layer.forward = lambda states, *args, **kwargs: states

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before the optimizer steps."""
        for weight in kwargs["model"].parameters():
            if weight.requires_grad and weight.grad is None:
                weight.grad = torch.zeros_like(weight)


def make_trainer(
    variant: str, rows: Rows, folder: str, num_frozen: int, *, bf16: bool
) -> tuple[EfficientTrainer, Clock]:
    """A trainer of one epoch with the lowest layers frozen, and the clock of its steps."""
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(rows.model, num_labels=rows.num_labels)
    quiet = {"use_cpu": True, "disable_tqdm": True, "save_strategy": "no", "log_level": "error", "report_to": "none"}
    args = TrainingArguments(
        folder, num_train_epochs=1, per_device_train_batch_size=BATCH, learning_rate=1e-4, bf16=bf16, **quiet
    )
    trainer = EfficientTrainer(
        model,
        args,
        data_collator=CountingCollator("bucketed", rows),
        train_dataset=rows.dataset,
        techniques=[Freeze(layers=num_frozen, cache=variant != "computed"), Batching()],
    )
    trainer.remove_callback(PrinterCallback)
    if variant == "rest":
        trainer.add_callback(SkipLayers(num_frozen))
    clock = Clock()
    trainer.add_callback(clock)  # the last: what is computed before the first step is no step
    return trainer, clock


def seconds_to_open(rows: Rows, folder: str, num_frozen: int, *, bf16: bool) -> float:
    """CPU seconds before the first step: the hidden states of all rows are computed, or found."""
    trainer, _ = make_trainer("cached", rows, folder, num_frozen, bf16=bf16)
    trainer.model_wrapped = trainer.model = trainer.accelerator.prepare(trainer.model)
    callback = next(c for c in trainer.callback_handler.callbacks if isinstance(c, OpenCache))
    start = time.process_time()
    callback.on_train_begin(trainer.args, trainer.state, trainer.control, model=trainer.model)
    return time.process_time() - start


def seconds_of_layer(rows: Rows, folder: str, *, bf16: bool) -> float:
    """CPU seconds of one layer's forward pass over an epoch: of six layers less one, divided by five."""
    trainer, _ = make_trainer("computed", rows, folder, LAYERS, bf16=bf16)
    model: Any = trainer.model
    batches = [{name: batch[name] for name in batch if name != "labels"} for batch in trainer.get_train_dataloader()]
    spent = {}
    for num_layers in (LAYERS, 1):
        prefix = Prefix(model.eval(), num_layers, "benchmark")
        start = time.process_time()
        with prefix.installed(), torch.no_grad(), trainer.accelerator.autocast():
            for batch in batches:
                prefix.states(model, batch)
        spent[num_layers] = time.process_time() - start
    return (spent[LAYERS] - spent[1]) / (LAYERS - 1)


def compare(rows: Rows, num_frozen: int, rounds: int, *, bf16: bool) -> dict[str, Any]:
    """Seconds of an epoch, their ratio, the foretold ratio, and what comes before the first step."""
    seconds: list[dict[str, float]] = []
    layer: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HF_EFFICIENT_HOME"] = folder
        fill = seconds_to_open(rows, folder, num_frozen, bf16=bf16)
        found = [seconds_to_open(rows, folder, num_frozen, bf16=bf16) for _ in range(rounds)]
        num_bytes = sum(path.stat().st_size for path in Path(folder).rglob("*.npy"))
        for number in range(rounds):
            spent = {}
            for variant in turns(VARIANTS, number):
                trainer, clock = make_trainer(variant, rows, folder, num_frozen, bf16=bf16)
                trainer.train()
                spent[variant] = clock.seconds
            seconds.append(spent)
            layer.append(seconds_of_layer(rows, folder, bf16=bf16))
    return {
        "seconds": {variant: spread(spent[variant] for spent in seconds) for variant in VARIANTS},
        "seconds_of_layer": spread(layer),
        "ratio": spread(spent["cached"] / spent["computed"] for spent in seconds),
        "foretold": spread(
            foretold(spent["rest"] / of_layer, num_frozen) for spent, of_layer in zip(seconds, layer, strict=True)
        ),
        "seconds_to_fill": fill,
        "seconds_to_find": spread(found),
        "bytes": num_bytes,
    }


def foretold(rest: float, num_frozen: int) -> float:
    """(3u + c) / (L + 2u + c): an epoch with the cache over one without it, in forward passes of a layer."""
    trained = LAYERS - num_frozen
    return (3 * trained + rest) / (LAYERS + 2 * trained + rest)


def main() -> None:
    """Run the benchmark, print its table, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=960)
    parser.add_argument("--json", type=Path, default=RESULTS / "prefix_cache.json")
    parser.add_argument("--fp32", action="store_true", help="compute in fp32, also where the CPU has fast bf16")
    options = parser.parse_args()
    bf16 = BF16 and not options.fp32
    rows = encoded("demo/movie-sentiment", "train", options.rows)
    results = {name: compare(rows, number, options.rounds, bf16=bf16) for name, number in FROZEN.items()}
    settings = {"rounds": options.rounds, "rows": len(rows.dataset), "batch": BATCH, "bf16": bf16}
    write_json(options.json, **settings, results=results)
    columns = ("frozen layers", *VARIANTS, "cached / computed", "foretold", "to fill", "to find", "MB")
    table = Table(*columns, title="CPU seconds of an epoch")
    for name, result in results.items():
        low, high = result["ratio"]["quartiles"]
        table.add_row(
            name,
            *(f"{result['seconds'][variant]['median']:.2f}" for variant in VARIANTS),
            f"{result['ratio']['median']:.3f} ({low:.3f}–{high:.3f})",
            f"{result['foretold']['median']:.3f}",
            f"{result['seconds_to_fill']:.2f}",
            f"{result['seconds_to_find']['median']:.2f}",
            f"{result['bytes'] / 1e6:.1f}",
        )
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
