"""What a run shows while it goes, and the log that it keeps."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback
from transformers.utils import logging

_BAR = "{desc}: {percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


class ProgressBar(TrainerCallback):
    """One bar over the optimizer steps with loss, rate and time left; a line per tenth where there is no terminal."""

    def __init__(self) -> None:
        self._bar: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Opens the bar at the step that the run starts or goes on from."""
        if not state.is_world_process_zero:
            return
        terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            desc="training",
            unit="step",
            dynamic_ncols=terminal,
            ncols=None if terminal else 100,
            mininterval=0.1 if terminal else 15,
            miniters=None if terminal else max(1, state.max_steps // 10),
            file=sys.stderr,
            bar_format=_BAR,
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Moves the bar."""
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Shows the latest loss and rate, or the validation loss."""
        logs = kwargs["logs"]
        if self._bar is None:
            return
        if "loss" in logs:
            self._bar.set_postfix_str(f"loss {logs['loss']:.3f}, lr {logs['learning_rate']:.1e}", refresh=False)
        elif "eval_loss" in logs:
            self._bar.write(f"epoch {logs['epoch']:.2f}: {_evaluation_line(logs)}", file=sys.stderr)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Closes the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


_NOT_METRICS = ("eval_runtime", "eval_samples_per_second", "eval_steps_per_second", "eval_model_preparation_time")


def _evaluation_line(logs: dict[str, Any]) -> str:
    shown = {k.removeprefix("eval_"): v for k, v in logs.items() if k.startswith("eval_") and k not in _NOT_METRICS}
    parts = [f"{name} {value:.4f}" for name, value in shown.items() if isinstance(value, float)]
    return "validation " + ", ".join(parts[:5])


class JsonLog(TrainerCallback):
    """Appends what the Trainer logs to `log.jsonl`, one object a line.

    A resumed run drops the lines that came after its checkpoint: those steps are done again.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Drops the lines of steps that are about to be done again."""
        if state.is_world_process_zero and self.path.exists():
            kept = [record for record in read_log(self.path) if record["step"] <= state.global_step]
            self.path.write_text("".join(json.dumps(record) + "\n" for record in kept))

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Writes one line."""
        if state.is_world_process_zero:
            with self.path.open("a") as file:
                file.write(json.dumps({"step": state.global_step, **kwargs["logs"]}) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """Records of a `log.jsonl`; a last line that was cut off is left out."""
    records = []
    for line in path.read_text().splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records


@contextmanager
def without_library_bars() -> Iterator[None]:
    """Transformers 5.23 draws a bar for every file that it writes; the run has its own."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
