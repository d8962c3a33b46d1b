"""What a run shows while it goes, and the log that it keeps."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback
from transformers.utils import logging

_FORMAT = "{desc}: {percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


class ProgressBar(TrainerCallback):
    """One bar over the optimizer steps with loss, rate and time left; in a file, a line for every tenth of the run."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._lines = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Opens the bar at the step that the run starts or goes on from."""
        if not state.is_world_process_zero:
            return
        self._lines = not sys.stderr.isatty()
        settings = {"total": state.max_steps, "initial": state.global_step, "desc": "training", "unit": "step"}
        file = _Nowhere() if self._lines else sys.stderr
        self._bar = tqdm(**settings, dynamic_ncols=not self._lines, bar_format=_FORMAT, file=file)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Moves the bar."""
        if self._bar is None:
            return
        self._bar.update(state.global_step - self._bar.n)
        if self._lines and state.global_step * 10 // state.max_steps > (state.global_step - 1) * 10 // state.max_steps:
            self._say(str(self._bar))

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Shows the latest loss and learning rate, or the validation loss."""
        logs = kwargs["logs"]
        if self._bar is None:
            return
        if "loss" in logs:
            self._bar.set_postfix_str(f"loss {logs['loss']:.3f}, lr {logs['learning_rate']:.1e}", refresh=False)
        elif "eval_loss" in logs:
            when = f"epoch {logs['epoch']:.2f}" if "epoch" in logs else f"step {state.global_step}"
            self._say(f"{when}: {_evaluation_line(logs)}")

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Closes the bar."""
        self.close()

    def close(self) -> None:
        """End the bar's line, also that of a run that failed, so that what follows begins on a new one."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _say(self, line: str) -> None:
        if self._lines:
            print(line, file=sys.stderr, flush=True)
        else:
            self._bar.write(line, file=sys.stderr)


class _Nowhere(io.StringIO):
    """Where the bar is drawn when there is no terminal: its state is printed in lines instead."""

    def write(self, text: str) -> int:
        return len(text)


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
            finite = {key: value if _is_json(value) else None for key, value in kwargs["logs"].items()}
            with self.path.open("a") as file:
                file.write(json.dumps({"step": state.global_step, **finite}) + "\n")


def _is_json(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


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
