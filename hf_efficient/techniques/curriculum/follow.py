"""What happens with a curriculum while a model is trained: rows are ranked, and it is noted which were fed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from torch import Tensor

from hf_efficient.data.batches import Split
from hf_efficient.data.difficulty import Scores, refuse_equal
from hf_efficient.data.epochs import epoch_of
from hf_efficient.data.fed import FedEpochs, digest_of, rows_of_process
from hf_efficient.data.order import BLOCKS, CurriculumOrder, random_ranks, ranked
from hf_efficient.data.pace import STAGES
from hf_efficient.data.tracking import packed, tracker_of, unpacked
from hf_efficient.errors import PlanError
from hf_efficient.losses.difficulty import difficulty
from hf_efficient.losses.rows import ROW_NUMBER
from hf_efficient.measure import Observer, filling
from hf_efficient.models.distributed import data_parallel_size
from hf_efficient.models.processes import on_every_process, on_main_process
from hf_efficient.models.scored_rows import Scored
from hf_efficient.recipe.curriculum import IN_STAGES

if TYPE_CHECKING:
    from hf_efficient.data.batches import Batches, Indices
    from hf_efficient.losses.rows import Batch, Rows
    from hf_efficient.losses.supervised import Supervised
    from hf_efficient.recipe.curriculum import Curriculum

_COST: Final = ("seconds", "cpu_seconds", "found")
"""What is known of the scoring beside the scores."""
Seen = tuple[int, Any, Any]
"""An optimizer step, numbers of rows, and what was seen of them."""


class Follow(Observer):
    """Ranks the rows before the first step, or before each epoch by what the epochs before have told."""

    def __init__(
        self,
        order: CurriculumOrder,
        section: Curriculum,
        score: Callable[[], Scored] | None = None,
        labels: Supervised | None = None,
    ) -> None:
        """A curriculum that has not begun.

        Args:
            order: the sampler that is told the ranks.
            section: what the recipe says of it.
            score: what scores the rows; None where nothing is scored beforehand.
            labels: the labels' loss, if the training itself tells how difficult rows are.
        """
        self.order = order
        self.section = section
        self.batches: Batches | None = None
        """How rows are grouped, which is decided last."""
        self.scores: Scores | None = None
        self.scored: Scored | None = None
        self._score = score
        self._labels = labels
        self._tracker = None if labels is None else tracker_of(section.by, order.num_rows)
        self._ranked_epoch = 0
        """The epoch whose ranks are those of `scores`."""
        self._fed = FedEpochs()
        self._seen: list[Seen] = []
        self._step = 0

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """What is known of the rows of each epoch; JSON."""
        return self._fed.epochs

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before the first step, also of a run that goes on."""
        processes, rows = data_parallel_size(args, kwargs["model"]), self.order.num_rows
        self._split = Split(args.train_batch_size, args.gradient_accumulation_steps, processes)
        self._args = args
        self._process = args.process_index // (args.world_size // processes)
        self.order.num_epochs = _num_epochs(args, self._split, rows)
        _refuse_too_short(self.section, self.order.num_epochs)
        self._fed, self._seen = FedEpochs.of_state(self._fed.state()), []
        if state.global_step == 0:  # nothing is left of an earlier training by the same trainer
            self._fed, self._ranked_epoch = FedEpochs(), 0
            if self._tracker is not None:
                self._tracker, self.scores = tracker_of(self.section.by, rows), None
        self._score_rows()

    def _score_rows(self) -> None:
        """Score the rows once, unless an earlier part of the run has."""
        if self._score is not None and self.scores is None:
            with filling():
                self.scored = on_main_process(self._score)
            self.scores = self.scored.scores
            refuse_equal(self.scores, self.section.by, "curriculum")
        self._score = None  # it holds a model

    def _rank(self, epoch: int) -> None:
        """Rank the rows for an epoch."""
        if self.section.order == "random":
            # The control has the same pace, also where nothing is known of the rows at first.
            unranked = self.section.watches_training and epoch == 0
            self.order.ranks = None if unranked else random_ranks(self.order.num_rows, self.order.seed)
        elif self.scores is not None:
            descending = self.section.order == "hard_first"
            self.order.ranks = ranked(self.scores, self.order.seed, descending=descending)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before the first batch of an epoch is drawn, and where a run goes on within one."""
        epoch = epoch_of(state)
        self._gather(finished=True)
        if epoch > self._ranked_epoch and self._tracker is not None:
            self.scores = self._tracker.end_epoch()
        self._ranked_epoch = max(epoch, self._ranked_epoch)
        self._rank(epoch)
        self.order.set_epoch(epoch)
        self._begin(epoch)

    def _begin(self, epoch: int) -> None:
        meant = rows_of_process(
            self.order,
            epoch,
            self.batches,
            self._split,
            self._process,
            seed=self.order.seed,
            drop_last=self._args.dataloader_drop_last,
        )
        rows = self.order.rows()
        facts = {
            "epoch": epoch + 1,
            "available": [self._share(0), self._share(BLOCKS - 1)],
            "different_rows": len(np.unique(rows)),
            "order": digest_of(rows),
        }
        self._fed.begin(facts, meant, self._args.world_size)

    def _share(self, block: int) -> list[float]:
        return [round(place / self.order.num_rows, 4) for place in self.order.available(block)]

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer before each optimizer step."""
        self._step = state.global_step

    def on_rows(self, rows: Tensor) -> None:
        """Takes note of the rows that this process is fed."""
        self._fed.add(rows)

    def on_losses(self, batch: Batch, rows: Rows) -> None:
        """Takes note of how difficult they are."""
        if self._labels is not None:
            values = difficulty(self.section.by, self._labels, batch, rows)
            self._seen.append((self._step, batch.side[ROW_NUMBER], values.detach()))

    def before_save(self) -> None:
        """Every process tells what it has seen."""
        self._gather()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the Trainer after the last step."""
        self._gather(finished=float(state.epoch or 0).is_integer())
        if self._tracker is not None:
            self.scores = self._tracker.end_epoch()

    def _gather(self, *, finished: bool = False) -> None:
        """Have all processes know what each has seen since they last told each other, up to the end of the epoch."""
        if not self._fed.is_under_way:
            return
        own = self._fed.own(self._args.process_index, finished=finished)
        seen = [(step, rows.cpu().numpy(), values.float().cpu().numpy()) for step, rows, values in self._seen]
        self._seen = []
        told = on_every_process(lambda: (own, seen))
        self._fed.know([fed for fed, _ in told])
        if self._tracker is not None:
            for step_rows, values in _by_step([each for _, seen in told for each in seen]):
                self._tracker.update(step_rows, values)

    def state(self) -> dict[str, Any]:
        """What a run needs to go on with the same order."""
        attributes = {
            "scores": None if self.scores is None else packed(self.scores),
            "scored": None if self.scored is None else [getattr(self.scored, name) for name in _COST],
            "tracker": None if self._tracker is None else self._tracker.state(),
            "ranked_epoch": self._ranked_epoch,
            **self._fed.state(),
        }
        return {"args": {}, "attributes": attributes}

    def load_state(self, attributes: Mapping[str, Any]) -> None:
        """Go on with it."""
        scores, tracker = attributes["scores"], attributes["tracker"]
        self.scores = None if scores is None else unpacked(scores, np.float32)
        if self._tracker is not None and tracker is not None:
            self._tracker.load_state(tracker)
        if self.scores is not None and attributes["scored"] is not None:
            self.scored = Scored(self.scores, **dict(zip(_COST, attributes["scored"], strict=True)))
        self._ranked_epoch = attributes["ranked_epoch"]
        self._fed = FedEpochs.of_state(attributes)


def _by_step(seen: list[Seen]) -> list[tuple[Indices, Scores]]:
    """Different rows of each step and what was last seen of them there, in the order of the steps."""
    steps: dict[int, dict[int, float]] = {}
    for step, rows, values in sorted(seen, key=lambda each: each[0]):
        steps.setdefault(step, {}).update(zip(rows.tolist(), values.tolist(), strict=True))
    in_order = (sorted(found.items()) for found in steps.values())
    return [
        (np.asarray([row for row, _ in found]), np.asarray([value for _, value in found], dtype=np.float32))
        for found in in_order
    ]


def _num_epochs(args: Any, split: Split, rows: int) -> float:
    """Epochs of the training, whose last step may be smaller than the others."""
    if args.max_steps <= 0:
        return float(args.num_train_epochs)
    steps = rows // split.rows if args.dataloader_drop_last else math.ceil(rows / split.rows)
    return float(args.max_steps / max(1, steps))


def _refuse_too_short(section: Curriculum, num_epochs: float) -> None:
    held_back = num_epochs * section.end
    if section.watches_training and held_back <= 1:
        raise PlanError(
            f"curriculum can't take effect: by: {section.by} ranks rows by the epochs before, and all are "
            "available from the second on; raise curriculum.end or training.num_train_epochs, or give a reference."
        )
    blocks, stages = held_back * BLOCKS + 1e-9, section.stages or STAGES
    if section.pace in IN_STAGES and stages > blocks:
        raise PlanError(
            f"curriculum.stages: {stages} stages of pace: {section.pace} do not fit into {held_back:g} epochs, in each "
            f"of which what is available changes {BLOCKS} times at most; lower it, or raise curriculum.end or "
            "training.num_train_epochs."
        )
