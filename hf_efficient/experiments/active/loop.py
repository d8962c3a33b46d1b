"""The loop: train on the labels there are, choose rows, have them labelled, again. All it knows lies on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hf_efficient.data.randomness import generator_for
from hf_efficient.errors import RunDirectoryError
from hf_efficient.experiments.active.pool import write_rows
from hf_efficient.experiments.active.section import section_of
from hf_efficient.experiments.active.seed_set import cluster_middles, random_rows, stratified_rows
from hf_efficient.experiments.active.state import ActiveDirectory, LabelLog, hold_to
from hf_efficient.experiments.active.stopping import ROWS_OF_AGREEMENT, WHEN_TO_STOP, agreement, reason_to_stop
from hf_efficient.experiments.active.strategies import choose
from hf_efficient.experiments.json_lines import Record, append_lines, read_lines
from hf_efficient.report.active_rounds import SEED_SET

if TYPE_CHECKING:
    from hf_efficient.experiments.active.acquisition import Rows
    from hf_efficient.experiments.active.features import Features
    from hf_efficient.experiments.active.learners import Learner, Scored
    from hf_efficient.experiments.active.pool import Pool
    from hf_efficient.recipe import Recipe
    from hf_efficient.recipe.active import Active


@dataclass(frozen=True)
class Query:
    """Rows that a round has chosen and nobody has labelled yet."""

    number: int
    """Of the round."""
    rows: tuple[int, ...]
    chosen: tuple[int, ...]
    """Those, and the rows of the round that have an answer, which may be corrected until all have one."""
    pool: Pool


Labeller = Callable[[Query, LabelLog], None]
"""Gives labels to the log; the loop goes on once all rows of the query are settled, and else waits."""


@dataclass(frozen=True)
class Loop:
    """A loop over a pool, to be run by `run`."""

    recipe: Recipe
    pool: Pool
    directory: ActiveDirectory
    learner: Learner
    features: Features
    """For the first rows, before there is a model."""
    labeller: Labeller
    shown: Callable[[str], None] = lambda line: None
    """Told what each round was, a line at a time."""

    @property
    def active(self) -> Active:
        """The recipe's section."""
        return section_of(self.recipe)

    @property
    def seed(self) -> int:
        """What every choice is drawn from, with the round."""
        return int(self.recipe.training.seed)

    @cached_property
    def log(self) -> LabelLog:
        """The labels."""
        return LabelLog(self.directory.labels, self.pool.classes)

    def history(self) -> list[Record]:
        """The rounds so far."""
        return list(read_lines(self.directory.rounds))

    def open(self) -> None:
        """Begin, or find what there is; labels that rows have already are taken in the beginning.

        Raises:
            RunDirectoryError: the directory holds another loop, or can't be written.
        """
        facts = {"pool": self.pool.digest, "recipe": self.recipe.digest(without=WHEN_TO_STOP)}
        facts |= {"labels": self.pool.digest_of_labels} if self.active.is_simulated else {}
        hold_to(self.directory.pool, facts, "choose another training.output_dir, or give the earlier settings.")
        self._refuse_another_end()
        if self.pool.validation is not None and not self.directory.validation.exists():
            write_rows(self.pool.validation, self.directory.validation)
        self._take_given()

    def _refuse_another_end(self) -> None:
        """Until a loop has ended, its settings may put the end off or forward; what has ended is trained on already."""
        last = next(iter(self.history()[-1:]), {})
        if last.get("stopped") and last["recipe"] != self.recipe.digest():
            raise RunDirectoryError(
                f"{self.directory.path}: this loop has ended ({last['stopped']}); to go on, choose another "
                f"training.output_dir and give it --labels {self.directory.labels}"
            )

    @property
    def stopped(self) -> bool:
        """Whether there was a reason to stop."""
        return any(record["stopped"] for record in self.history()[-1:])

    def run(self) -> bool:
        """Go on until there is a reason to stop, or labels to wait for; says whether it has stopped.

        Raises:
            RunDirectoryError: the directory holds another loop, or can't be written.
        """
        self.open()
        while not self.stopped:
            history = self.history()
            if self.pending:
                self.labeller(Query(history[-1]["round"], self.pending, self._chosen, self.pool), self.log)
            if self.pending:
                return False
            append_lines(self.directory.rounds, [self._round(history)])
        return True

    def _take_given(self) -> None:
        """Labels that the rows of a person's pool have already."""
        if self.active.is_simulated:
            return
        new = {row: label for row, label in self.pool.known.items() if row not in self.log.settled}
        if new and not self.history():
            self.log.give_all(new, "data")

    @property
    def pending(self) -> tuple[int, ...]:
        """Rows that the last round has chosen and nobody has settled."""
        return tuple(row for row in self._chosen if row not in self.log.settled)

    @property
    def _chosen(self) -> tuple[int, ...]:
        """Rows that the last round has chosen."""
        return tuple(row["id"] for record in self.history()[-1:] for row in record["chosen"])

    def _round(self, history: Sequence[Record]) -> Record:
        """What is known of a round: its model, and the rows that it chose or why it chose none."""
        number, start, cpu_start = len(history), time.perf_counter(), time.process_time()
        labels = dict(self.log.labels)
        candidates = np.setdiff1d(np.arange(len(self.pool)), sorted(self.log.settled | self.pool.doubles))
        record: Record = {"round": number, "labels": len(labels)}
        if len(set(labels.values())) < 2:
            record |= self._without_model(number, labels, candidates)
        else:
            record |= self._with_model(number, history, labels, candidates)
        record |= {"recipe": self.recipe.digest()} if record["stopped"] else {}
        record["seconds"] = time.perf_counter() - start
        record["cpu_seconds"] = time.process_time() - cpu_start
        self._show(record)
        return record

    def _without_model(self, number: int, labels: Mapping[int, str], candidates: Rows) -> Record:
        """Rows to begin with; more of them where those before were all of one class."""
        reason = self._stop([], labels, candidates)
        first = [] if reason else self._seed_set(number, candidates, self._size(number, len(labels))).tolist()
        found: Record = {"metrics": {}, "metric": None, "agreement": None, "by": SEED_SET}
        return {**found, "chosen": [{"id": row} for row in first], "stopped": reason}

    def _with_model(
        self, number: int, history: Sequence[Record], labels: Mapping[int, str], candidates: Rows
    ) -> Record:
        """What the model of these labels is worth, and the rows that the strategy chooses by it."""
        modelled = [record for record in history if record["by"] != SEED_SET]
        fitted = self.learner.fit(labels, number)
        found: Record = {"metrics": dict(fitted.metrics), "metric": fitted.metrics.get(self.metric), "agreement": None}
        found |= {"by": self.active.strategy, "chosen": []}
        found["stopped"] = self._stop([*modelled, found], labels, candidates)
        if found["stopped"]:  # what the model makes of the pool is not asked for
            return found
        scored = fitted.score()
        found["agreement"] = self._agreement(number, scored, labels)
        found["stopped"] = self._stop([*modelled, found], labels, candidates)
        if not found["stopped"]:
            size = self._size(number, len(labels))
            found["chosen"] = self._choose(number, scored, np.asarray(sorted(labels)), candidates, size)
        return found

    def _stop(self, history: Sequence[Record], labels: Mapping[int, str], candidates: Rows) -> str | None:
        better = self.pool.task.greater_is_better(self.metric)
        return reason_to_stop(self.active, history, len(labels), len(candidates), greater_is_better=better)

    @property
    def metric(self) -> str:
        """Metric that is reported, and compared with the target."""
        return self.active.metric or str(self.pool.task.metric_names[0])

    def _size(self, number: int, num_labels: int) -> int:
        wanted = self.active.query_size if number else self.active.seed_size
        return min(wanted, self.active.budget - num_labels)

    def _seed_set(self, number: int, candidates: Rows, size: int) -> Rows:
        seed = int(generator_for(self.seed, number).integers(2**31))
        if self.active.seed_set == "stratified":
            labels = [self.pool.known[row] for row in candidates.tolist()]
            return stratified_rows(candidates, labels, size, seed)
        if self.active.seed_set == "clusters":
            return cluster_middles(candidates, lambda: self.features.of_pool, size, seed)
        return random_rows(candidates, size, generator_for(seed))

    def _agreement(self, number: int, scored: Scored, labels: Mapping[int, str]) -> float | None:
        """How well the round's predictions agree with those of the round before, on rows that neither has learnt."""
        watched = np.sort(generator_for(self.seed).permutation(len(self.pool))[:ROWS_OF_AGREEMENT])
        predicted = scored.predicted[watched]
        unseen = ~np.isin(watched, list(labels))
        before = self.directory.predictions(number - 1)
        np.save(self.directory.predictions(number), predicted)
        self.directory.predictions(number - 2).unlink(missing_ok=True)
        if not (before.exists() and unseen.any()):
            return None
        return agreement(np.load(before)[unseen], predicted[unseen])

    def _choose(self, number: int, scored: Scored, labelled: Rows, candidates: Rows, size: int) -> list[Record]:
        rows, scores = choose(self.active, scored, labelled, candidates, size, generator_for(self.seed, number))
        probabilities = scored.probabilities[rows]
        return [
            {"id": int(row), "score": float(score), "predicted": self.pool.classes[p.argmax()], "p": float(p.max())}
            for row, score, p in zip(rows, scores, probabilities, strict=True)
        ]

    def _show(self, record: Record) -> None:
        metric = "" if record["metric"] is None else f", {self.metric} {record['metric']:.4f}"
        how = "no model yet" if record["by"] == SEED_SET else "a model"
        then = record["stopped"] or f"{len(record['chosen'])} rows chosen by {self._by(record)}"
        self.shown(f"round {record['round']}: {record['labels']} labels, {how}{metric}; {then}")

    def _by(self, record: Record) -> str:
        return self.active.seed_set if record["by"] == SEED_SET else record["by"]
