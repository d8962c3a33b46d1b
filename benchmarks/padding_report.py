"""python benchmarks/padding_report.py [--results benchmarks/results] [--note docs/results/padding.md]

Write what `padding.py`, `evaluation.py`, `memory.py` and `time_to_accuracy.py` have measured into the note, between its
markers `<!-- name -->` and `<!-- /name -->`, and draw the figure beside it. Needs matplotlib (the extra `bench`).
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
from notes import fill, table

NAMES: Final = ("padding", "evaluation", "memory", "time_to_accuracy")
VARIANTS: Final = {"fixed": "fixed length", "dynamic": "dynamic", "bucketed": "grouped by length"}
COLOURS: Final = {"fixed": "tab:gray", "dynamic": "tab:blue", "bucketed": "tab:orange"}
SHARE_OF_LIMIT: Final = 0.9
OVER_FIXED: Final = {"demo/movie-sentiment": 3.0}
MEMORY: Final = 1.02
ACCURACY: Final = 0.82
"""The accuracy whose times are compared."""

Json = Mapping[str, Any]


def quartiles(found: Json, form: str = ".2f") -> str:
    """A median with its quartiles."""
    low, high = found["quartiles"]
    return f"{found['median']:{form}} ({low:{form}} to {high:{form}})"


def _verdict(met: bool) -> str:
    return "met" if met else "**missed**"


def rates(document: Json) -> str:
    """Rows a second of each variant, and the tokens that it computes for each token that there is."""
    header = ("data", "batches", "rows a second", "tokens computed per token")
    return table(
        header,
        (
            (name, VARIANTS[variant], quartiles(speed, ".1f"), f"{result['tokens_computed_per_token'][variant]:.2f}")
            for name, result in document["results"].items()
            for variant, speed in result["rows_per_second"].items()
        ),
    )


def speedups(document: Json) -> str:
    """The ratios, their limits and whether the targets are met."""
    rows = (
        (
            name,
            VARIANTS[base],
            f"{quartiles(over)} ×",
            f"{over['limit']:.2f} ×",
            f"{over['median'] / over['limit']:.0%}",
            _verdict(_reaches(name, base, over)),
        )
        for name, base, over in _ratios(document)
    )
    return table(("data", "over", "speed-up (quartiles)", "limit", "share of it", "target"), rows)


def _ratios(document: Json) -> Iterator[tuple[str, str, Json]]:
    for name, result in document["results"].items():
        for base, over in result["speedup_over"].items():
            yield name, base, over


def _reaches(name: str, base: str, over: Json) -> bool:
    least = OVER_FIXED.get(name, 0.0) if base == "fixed" else 0.0
    return bool(over["median"] >= max(SHARE_OF_LIMIT * over["limit"], least))


def evaluation(document: Json) -> str:
    """Rates and ratio of the evaluation pass, and one sentence on how equal the metrics of both ways are."""
    (result,) = document["results"].values()
    found = result["metrics"]["bucketed"]
    equality = (
        f"Metrics of both ways are equal: accuracy {found['eval_accuracy']:.4f} (of an untrained head), loss "
        f"{found['eval_loss']:.6f}; the largest difference is {result['largest_metric_difference']:.1g}."
    )
    return "\n\n".join((speedups(document), rates(document), equality))


def memory(document: Json) -> str:
    """Peak memory of each variant."""
    rows = (
        (
            name,
            *(f"{found['median'] / 1e6:,.0f} MB" for found in result["peak_bytes"].values()),
            quartiles(result["ratio_to"]["fixed"], ".3f"),
            quartiles(result["ratio_to"]["dynamic"], ".3f"),
            _verdict(all(ratio["median"] <= MEMORY for ratio in result["ratio_to"].values())),
        )
        for name, result in document["results"].items()
    )
    return table(("data", *VARIANTS.values(), "over fixed length", "over dynamic", "target"), rows)


def accuracies(document: Json) -> str:
    """For each seed and variant, the time to the accuracy and the accuracy at the end."""
    rows = (
        (seed, VARIANTS[variant], _seconds(reached(curve)), _seconds(curve[-1]), f"{curve[-1]['accuracy']:.4f}")
        for seed, curves in document["curves"].items()
        for variant, curve in curves.items()
    )
    return table(("seed", "batches", f"CPU time to {ACCURACY}", "CPU time of the epoch", "accuracy at its end"), rows)


def reached(curve: Sequence[Json]) -> Json | None:
    """The first evaluation that reaches the accuracy."""
    return next((point for point in curve if point["accuracy"] >= ACCURACY), None)


def last(curve: Sequence[Json]) -> Json:
    """The evaluation at the end of the epoch."""
    return curve[-1]


def _seconds(point: Json | None) -> str:
    return "not reached" if point is None else f"{point['cpu_seconds']:.0f} s"


def time_ratios(document: Json) -> str:
    """How much sooner grouped rows reach the accuracy, and how much shorter their epoch is."""
    rows = (
        (VARIANTS[base], _over_seeds(document, base, reached), _over_seeds(document, base, last))
        for base in ("fixed", "dynamic")
    )
    return table(("over", f"time to {ACCURACY}", "time of the epoch"), rows)


def _over_seeds(document: Json, base: str, point: Callable[[Sequence[Json]], Json | None]) -> str:
    pairs = [(point(curves[base]), point(curves["bucketed"])) for curves in document["curves"].values()]
    ratios = [theirs["cpu_seconds"] / ours["cpu_seconds"] for theirs, ours in pairs if theirs and ours]
    if not ratios:
        return "not reached"
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return f"{statistics.median(ratios):.2f} × (seeds: {each})"


def draw(found: Mapping[str, Json], path: Path) -> None:
    """Draw the speed-ups beside their limits, and the accuracy over time."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), constrained_layout=True)
    _draw_speedups(left, found)
    _draw_curves(right, found["time_to_accuracy"])
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _draw_speedups(axes: Any, found: Mapping[str, Json]) -> None:
    bars = [
        (f"{verb} {name.removeprefix('demo/')}\nover {VARIANTS[base]}", over)
        for key, verb in (("padding", "train"), ("evaluation", "evaluate"))
        for name, base, over in _ratios(found[key])
    ]
    for position, (_, over) in enumerate(bars):
        low, high = over["quartiles"]
        error = [[over["median"] - low], [high - over["median"]]]
        axes.barh(position, over["median"], xerr=error, color=COLOURS["bucketed"], height=0.6)
        axes.plot([over["limit"]] * 2, [position - 0.4, position + 0.4], color="black")
        axes.text(
            max(over["limit"], high) + 0.08, position, f"{over['median']:.2f} of {over['limit']:.2f}", va="center"
        )
    axes.set_yticks(range(len(bars)), [label for label, _ in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * max(max(over["limit"], *over["quartiles"]) for _, over in bars))
    axes.set_xlabel("times as many rows a second (line: limit by tokens)")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_curves(axes: Any, document: Json) -> None:
    for number, curves in enumerate(document["curves"].values()):
        for variant, curve in curves.items():
            times, values = ([point[key] for point in curve] for key in ("cpu_seconds", "accuracy"))
            label = VARIANTS[variant] if number == 0 else None
            axes.plot(times, values, color=COLOURS[variant], marker=".", linewidth=1, label=label)
    axes.axhline(ACCURACY, color="black", linewidth=0.8, linestyle=":")
    axes.set_xlabel("CPU seconds of training")
    axes.set_ylabel("validation accuracy, movie-sentiment")
    axes.legend(loc="lower right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Fill the note and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--note", type=Path, default=Path("docs/results/padding.md"))
    options = parser.parse_args()
    found = {name: json.loads((options.results / f"{name}.json").read_text()) for name in NAMES}
    figure = options.note.with_suffix(".png")
    parts = {
        "figure": f"![Speed-ups beside their limits, and accuracy over CPU time]({figure.name})",
        "training rates": rates(found["padding"]),
        "training speed-ups": speedups(found["padding"]),
        "evaluation": evaluation(found["evaluation"]),
        "memory": memory(found["memory"]),
        "accuracies": f"{time_ratios(found['time_to_accuracy'])}\n\n{accuracies(found['time_to_accuracy'])}",
    }
    options.note.write_text(fill(options.note.read_text(), parts))
    draw(found, figure)


if __name__ == "__main__":
    main()
