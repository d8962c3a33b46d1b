"""python benchmarks/precision.py [--rounds 9] [--json FILE]

CPU time of a training step in bf16 autocast against fp32 on this machine's CPU: what `precision: auto` rests on.

Variants alternate within a round, one thread; the figure is the median over the rounds of the ratio bf16 / fp32.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from rich.console import Console
from rich.table import Table
from transformers import BertConfig, BertForSequenceClassification

torch.set_num_threads(1)

SHAPES = {
    "MiniLM-L6 (384 wide), 16 x 32 tokens": (384, 12, 6, 16, 32),
    "BERT-base layers (768 wide, 2 of 12), 16 x 64 tokens": (768, 12, 2, 16, 64),
}
STEPS = 4


def seconds(model: Any, optimizer: Any, batch: dict[str, Any], bf16: bool) -> float:
    """CPU seconds of a step on average."""
    start = time.process_time()
    for _ in range(STEPS):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return (time.process_time() - start) / STEPS


def compare(hidden: int, heads: int, layers: int, rows: int, length: int, rounds: int) -> dict[str, Any]:
    """Ratios of paired rounds."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=1000,
        hidden_size=hidden,
        num_attention_heads=heads,
        num_hidden_layers=layers,
        intermediate_size=4 * hidden,
    )
    model = BertForSequenceClassification(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    ids = torch.randint(0, 1000, (rows, length))
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": torch.zeros(rows, dtype=torch.long)}
    pairs = [
        (seconds(model, optimizer, batch, True), seconds(model, optimizer, batch, False)) for _ in range(rounds + 1)
    ]
    ratios = sorted(bf16 / fp32 for bf16, fp32 in pairs[1:])  # the first round warms up
    quartiles = statistics.quantiles(ratios, n=4)
    return {
        "fp32_ms": 1e3 * statistics.median(fp32 for _, fp32 in pairs[1:]),
        "bf16_ms": 1e3 * statistics.median(bf16 for bf16, _ in pairs[1:]),
        "ratio_median": statistics.median(ratios),
        "ratio_quartiles": [quartiles[0], quartiles[2]],
    }


def main() -> None:
    """Run the benchmark, print its table, write its JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/precision.json"))
    options = parser.parse_args()
    results = {name: compare(*shape, rounds=options.rounds) for name, shape in SHAPES.items()}
    capabilities = torch.cpu.get_capabilities()
    cpu = {name: bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16")}
    table = Table(
        "model and batch", "fp32", "bf16 autocast", "ratio", "quartiles", title=f"CPU time of one step, {cpu}"
    )
    for name, found in results.items():
        low, high = found["ratio_quartiles"]
        ratio = f"{found['ratio_median']:.2f}"
        table.add_row(
            name, f"{found['fp32_ms']:.0f} ms", f"{found['bf16_ms']:.0f} ms", ratio, f"{low:.2f} to {high:.2f}"
        )
    Console().print(table)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    document = {"rounds": options.rounds, "cpu": cpu, "torch": torch.__version__, "results": results}
    options.json.write_text(json.dumps(document, indent=2) + "\n")
    Console().print(f"written to {options.json}")


if __name__ == "__main__":
    main()
