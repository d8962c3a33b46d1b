"""Numbers as people read them; a number that was not measured is said to be so, never shown as 0."""

from __future__ import annotations

NOT_MEASURED = "not measured"
UNDEFINED = "undefined"

_AVERAGES = ("macro", "micro")
_WORDS = {
    "bleu": "BLEU",
    "chrf": "chrF",
    "f1": "F1",
    "l": "L",
    "mse": "MSE",
    "pearsonr": "Pearson's r",
    "rouge": "ROUGE",
    "spearmanr": "Spearman's rho",
}


def count(number: float | None) -> str:
    """`22,713,986`."""
    return NOT_MEASURED if number is None else f"{number:,.0f}"


def decimal(number: float | None) -> str:
    """A measured value with four digits that matter, e.g. `0.8690`, `41.20`, `1,169`, `1.5e-05`."""
    if number is None:
        return NOT_MEASURED
    if number == 0 or 0.001 <= abs(number) < 10:
        return f"{number:.4f}"
    if 10 <= abs(number) < 1000:
        return f"{number:.2f}"
    return f"{number:,.0f}" if 1000 <= abs(number) < 1_000_000 else f"{number:.3g}"


def score(number: float | None) -> str:
    """A metric; None is a metric that has no value on these rows, e.g. the correlation with a constant."""
    return UNDEFINED if number is None else decimal(number)


def duration(seconds: float | None) -> str:
    """`12.3 s`, `2 min 05 s` or `3 h 07 min`."""
    if seconds is None:
        return NOT_MEASURED
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


def size(num_bytes: float | None) -> str:
    """`812 MB`, in powers of 1000."""
    if num_bytes is None:
        return NOT_MEASURED
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= scale:
            return (
                f"{num_bytes / scale:.3g} {unit}" if num_bytes < 999.5 * scale else f"{num_bytes / scale:,.0f} {unit}"
            )
    return f"{num_bytes:.0f} B"


def metric_label(name: str) -> str:
    """A metric's name as prose: `f1_macro` is `Macro F1`."""
    words = name.split("_")
    if words[-1] in _AVERAGES:
        words = [words[-1], *words[:-1]]
    phrase = " ".join(_WORDS.get(word, word) for word in words)
    return phrase if words[0] in _WORDS else phrase[:1].upper() + phrase[1:]
