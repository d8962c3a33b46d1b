"""Hidden states that leave the frozen lower layers of a model, computed once for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor

from hf_efficient.data.row_cache import Value
from hf_efficient.models.cached_rows import (
    CachedRows,
    Inputs,
    computation_key,
    fed,
    lengths_of,
    mask_of,
    padded,
    row_keys,
    rows_of_group,
    without_padding,
)
from hf_efficient.models.depth import depth_of
from hf_efficient.models.prefix import Prefix

_OF_THE_HEAD: Final = ("id2label", "label2id", "problem_type")


class CachedPrefix:
    """The lower layers of a model, and what they have computed of the rows of a run."""

    def __init__(
        self,
        prefix: Prefix,
        root: Path,
        tables: Sequence[Any],
        collator: Callable[[Sequence[Any]], Mapping[str, Any]],
    ) -> None:
        """Lower layers that have not computed anything yet.

        Args:
            prefix: the layers.
            root: the folder of all caches.
            tables: data sets of encoded rows.
            collator: what makes batches of them.
        """
        self.prefix = prefix
        self._root = root
        self._tables = tables
        self._collator = collator
        self.num_found = 0
        """Batches that were looked up and found."""
        self._cached: list[CachedRows] = []
        self._dtype = torch.float32
        self._device = torch.device("cpu")

    @property
    def num_rows(self) -> int:
        """Rows that are kept."""
        return sum(len(table) for table in self._tables)

    def num_bytes(self, states: Tensor) -> int:
        """Disk that the hidden states of all rows take, foretold from those of one row, (1, tokens, width)."""
        return sum(int(_bytes_of_token(table, states) * lengths_of(table).sum()) for table in self._tables)

    def trial(self, device: torch.device) -> tuple[Inputs, Inputs]:
        """A batch of the shortest training row, and one of it and the longest."""
        order = lengths_of(self._tables[0]).argsort(kind="stable").tolist()
        short, both = (
            fed(self._collator([self._tables[0][number] for number in numbers]))
            for numbers in (order[:1], [order[0], order[-1]])
        )
        return _on(device, short), _on(device, both)

    def open(self, model: Any, shown: Callable[[Sequence[Any]], Iterable[Any]] = iter) -> int:
        """Have all rows computed that are not there yet and let the model take them; gives how many were not.

        Args:
            model: the model of the run, as it is trained: on its device, with its autocast.
            shown: goes over the groups of rows that are computed, to show how far they are.

        Raises:
            HfEfficientError: the hidden states can't be kept; the model is left as it was.
        """
        self._device = next(model.parameters()).device
        self.prefix.install()
        was_training = model.training
        model.eval()
        try:
            return self._open(model, shown)
        except BaseException:
            self.prefix.remove()
            raise
        finally:
            model.train(was_training)

    def _open(self, model: Any, shown: Callable[[Sequence[Any]], Iterable[Any]]) -> int:
        def states(batch: Inputs) -> Tensor:
            with torch.no_grad():
                return self.prefix.states(model, _on(self._device, fed(batch)))

        probe = states(self.trial(self._device)[0])
        self._dtype = probe.dtype
        folder = self._root / self._key(model)
        self._cached = []
        num_computed = 0
        for table in self._tables:
            of_token = _bytes_of_token(table, probe)
            rows = CachedRows(table, self._collator, lambda batch: row_keys(self.prefix.inputs(model, fed(batch))))
            num_computed += rows.open(
                folder,
                lambda batch: without_padding(_as_array(states(batch)), mask_of(batch)),
                what="the hidden states of the rows",
                remedy="set freeze.cache: false",
                shown=shown,
                bytes_of_token=of_token,
                rows_of_group=rows_of_group(of_token * int(lengths_of(table).max())),
            )
            self._cached.append(rows)
        self.prefix.lookup = self.lookup
        return num_computed

    def _key(self, model: Any) -> str:
        return computation_key(
            model.config,
            self._weights(model),
            f"{type(model.config).__name__} {model.config._attn_implementation}",
            f"{len(self.prefix.layers)} {self._dtype} {self.prefix.autocast} {self._device.type}",
            f"{torch.__version__} {transformers.__version__}",
            but=_OF_THE_HEAD,
        )

    def _weights(self, model: Any) -> Iterator[tuple[str, Tensor]]:
        """All tensors below the layers that are trained; what is above may change without another key."""
        for number, part in enumerate((self.prefix.embeddings, *self.prefix.layers)):
            yield from ((f"{number}.{name}", tensor) for name, tensor in sorted(part.module.state_dict().items()))
        weights = dict(model.named_parameters())
        for number, name in enumerate(depth_of(model, "freeze.cache").embeddings):
            yield f"below.{number}", weights[name]

    def lookup(self, inputs: Inputs) -> Tensor | None:
        """Hidden states of a batch, padded as it is; None if one of its rows was never computed."""
        keys = row_keys(inputs)
        for rows in self._cached:
            values = rows.get(keys)
            if values is not None:
                self.num_found += 1
                joined = torch.from_numpy(padded(values, mask_of(inputs)))
                return joined.view(self._dtype).to(self._device)
        return None

    def close(self) -> None:
        """Leave the model as it was."""
        self.prefix.lookup = None
        self.prefix.remove()


def _on(device: torch.device, batch: Inputs) -> Inputs:
    return {name: value.to(device) for name, value in batch.items()}


def _bytes_of_token(table: Any, states: Tensor) -> int:
    """Bytes that a row takes for each token of its length; where rows have none, for all of it."""
    tokens = 1 if "length" in table.column_names else states.shape[1]
    return int(tokens * states.shape[-1] * states.element_size())


def _as_array(states: Tensor) -> NDArray[Any]:
    """The same bits as numpy holds them, which has no bfloat16."""
    found: Value = (states.view(torch.int16) if states.dtype == torch.bfloat16 else states).cpu().numpy()
    return found
