"""The embeddings and lowest layers of a model, whose output can be given to it instead of computed.

The model's own forward pass runs as ever: it makes the attention mask, positions and rotary embeddings, and calls its
embeddings and layers. Those of the prefix answer with the given hidden states at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from hf_efficient.models.cached_rows import Inputs, mask_of, padded, without_padding
from hf_efficient.models.depth import depth_of
from hf_efficient.models.taps import layers_of

_NOT_PLAIN: Final = ("past_key_values", "output_hidden_states", "output_attentions")
"""Arguments of a forward pass that wants more of the lower layers than what they hand on."""
_TOLERANCE: Final = {torch.float32: 1e-4}
"""Of the largest number; rounding is about 1e-6 in fp32, and in half precision the model's own."""
_ROUGH: Final = 0.05


def frozen_depth(model: PreTrainedModel, place: str, *, thawed: Collection[str] = ()) -> int:
    """How many of the lowest layers are frozen together with all that is below them, once `thawed` are trained too.

    Raises:
        PlanError: the layers can't be told apart.
    """
    depth = depth_of(model, place)
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad or name in thawed}
    below = 0
    for part in depth.parts[:-1]:
        if trained & set(part):
            break
        below += 1
    return max(0, below - 1)


class Prefix:
    """The part of a model from its inputs to the output of its `num_layers` lowest layers."""

    def __init__(self, model: PreTrainedModel, num_layers: int, place: str) -> None:
        path, layers = layers_of(model, place)
        self._base, embeddings = _base_and_embeddings(model, path)
        self._signature = signature(self._base.forward)
        self.embeddings = _Part(embeddings, self)
        self.layers = [_Part(layer, self) for layer in layers[:num_layers]]
        self.lookup: Callable[[Inputs], Tensor | None] | None = None
        """`lookup(inputs)`: hidden states of a batch, or None where the prefix is to compute; asked while installed."""
        self.given: Tensor | None = None
        """Hidden states that the forward pass under way goes on from."""
        self.autocast: torch.dtype | None = None
        """Number format of autocast when the last `states` were computed, whatever their own is; None without it."""
        self.wanted: object = None
        """What a forward pass under way is only made for."""
        self._hooks: list[Any] = []

    @contextmanager
    def installed(self) -> Iterator[None]:
        """The model's forward passes go through the prefix until the block ends."""
        self.install()
        try:
            yield
        finally:
            self.remove()

    def install(self) -> None:
        """Let the model's forward passes go through the prefix."""
        for part in (self.embeddings, *self.layers):
            part.install()
        self._hooks = [
            self._base.register_forward_pre_hook(self._enter, with_kwargs=True),
            self._base.register_forward_hook(self._leave, always_call=True),
        ]

    def remove(self) -> None:
        """Leave the model as it was."""
        for hook in self._hooks:
            hook.remove()
        if self._hooks:
            for part in (self.embeddings, *self.layers):
                part.remove()
        self._hooks = []

    def inputs(self, model: nn.Module, batch: Mapping[str, Any]) -> Inputs:
        """The tensors of a batch that the model hands to the prefix. The prefix is installed."""
        found: Inputs = self._until(self._base, model, batch)
        return found

    def states(self, model: nn.Module, batch: Mapping[str, Any]) -> Tensor:
        """Hidden states that leave the prefix, (samples, tokens, width), padding included. The prefix is installed."""
        found: Tensor = self._until(self.layers[-1], model, batch)
        return found

    def _until(self, wanted: object, model: nn.Module, batch: Mapping[str, Any]) -> Any:
        """What a forward pass brings to a point, where it ends."""
        self.wanted = wanted
        try:
            model(**batch)
        except _Reached as reached:
            return reached.value
        finally:
            self.wanted = None
        raise RuntimeError(f"{type(model).__name__} does not call its own layers")

    def _enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        arguments = {**self._signature.bind_partial(*args).arguments, **kwargs}
        tensors = {name: value for name, value in arguments.items() if isinstance(value, Tensor)}
        inputs = {name: value for name, value in tensors.items() if name in self._signature.parameters}
        if self.wanted is self._base:
            raise _Reached(inputs)
        plain = len(inputs) == len(tensors) and all(arguments.get(name) in (None, False) for name in _NOT_PLAIN)
        if self.wanted is None and self.lookup is not None and plain:
            self.given = self.lookup(inputs)

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        self.given = None

    # Whether it works is tried, not read off the model's class.

    def refusal(self, model: Any, short: Mapping[str, Any], both: Mapping[str, Any]) -> str | None:
        """Why hidden states can't be given to this model, in words; None where a trial shows that they can.

        Args:
            model: the whole model.
            short: a batch of one row.
            both: a batch of that row and one that may be longer.
        """
        if self._tapped():
            return "something else has hooks on the frozen layers, such as distill.hidden or distill.attention"
        with self.installed(), _as_in_training(model):
            plain, mask = _logits(model, both), mask_of(both)
            if (reason := self._strange(mask)) is not None:
                return reason
            alone, together = self.states(model, short), self.states(model, both)
            if together.requires_grad:
                return "something below the frozen layers is trained"
            if mask is None and alone.shape[1:] != together.shape[1:]:
                return "rows are of several lengths, and no mask says where they end (data.packing)"
            rows = without_padding(together.detach().float().cpu().numpy(), mask)
            if not _close(torch.from_numpy(rows[0]), alone[0].detach()):
                return "what its frozen layers compute depends on the padding, or on a dropout that is not frozen"
            kept = torch.from_numpy(padded(rows, mask)).to(together.dtype).to(together.device)
            self.lookup = lambda inputs: kept
            given = _logits(model, both)
            self.lookup = None
        if not _close(_present(given, mask), _present(plain, mask)):
            return f"{type(model).__name__} takes something from its lower layers beside their hidden states"
        return None

    def _tapped(self) -> bool:
        """Whether there are listeners within the prefix; to its output they may listen."""
        last = self.layers[-1].module
        modules = [module for part in (self.embeddings, *self.layers) for module in part.module.modules()]
        return any(module._forward_hooks for module in modules if module is not last)

    def _strange(self, mask: Any) -> str | None:
        """What is wrong with what the parts have given in an ordinary forward pass."""
        shape = self.layers[-1].shape
        if not all(part.hands_on_states_alone and part.shape == shape for part in self.layers):
            return "its layers hand on more than hidden states of one shape"
        if shape is None or len(shape) != 3 or (mask is not None and shape[:2] != mask.shape):
            return "its layers see other tokens than a batch has"
        return None


class _Part:
    """A module that is not run where the output of the prefix is given."""

    def __init__(self, module: nn.Module, prefix: Prefix) -> None:
        self.module = module
        self.prefix = prefix
        self.shape: torch.Size | None = None
        """Of the hidden states that it gave last."""
        self.hands_on_states_alone = False
        """Whether there was nothing beside them."""
        self._num_others: int | None = None
        """How many places for other things it gave, where it gives a tuple."""

    def install(self) -> None:
        """Stand before the module's forward pass, whoever has changed it already."""
        self._own = self.module.__dict__.get("forward")
        self._compute = self.module.forward
        self.module.forward = self

    def remove(self) -> None:
        """Leave the module as it was."""
        if self._own is None:
            del self.module.forward
        else:
            self.module.forward = self._own

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given, prefix = self.prefix.given, self.prefix
        # Embeddings of another width or shape run: it is the layers that count.
        if given is not None and self.shape is not None and self.shape[-1] == given.shape[-1]:
            return given if self._num_others is None else (given, *[None] * self._num_others)
        output = self._compute(*args, **kwargs)
        states, *others = (output,) if isinstance(output, Tensor) else output
        self.shape, self._num_others = states.shape, None if states is output else len(others)
        self.hands_on_states_alone = all(other is None for other in others)
        if prefix.wanted is self:
            prefix.autocast = _autocast(states.device.type)
            raise _Reached(states)
        return output


def _autocast(device: str) -> torch.dtype | None:
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None


class _Reached(Exception):  # noqa: N818
    """Ends a forward pass at the point that it is made for."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def _base_and_embeddings(model: PreTrainedModel, path_of_layers: str) -> tuple[nn.Module, nn.Module]:
    """The smallest module that holds embeddings and layers, and its part that holds the embeddings."""
    words = model.get_input_embeddings()
    path = next(name for name, module in model.named_modules() if module is words).split(".")
    shared = 0
    for ours, theirs in zip(path, path_of_layers.split("."), strict=False):
        if ours != theirs:
            break
        shared += 1
    return model.get_submodule(".".join(path[:shared])), model.get_submodule(".".join(path[: shared + 1]))


@contextmanager
def _as_in_training(model: nn.Module) -> Iterator[None]:
    """Training mode, and no trace of it: what frozen parts draw at random shows as another result."""
    was_training = model.training
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    model.train()
    try:
        yield
    finally:
        model.train(was_training)
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)


def _logits(model: nn.Module, batch: Mapping[str, Any]) -> Tensor:
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        logits: Tensor = model(**batch)["logits"]
    return logits


def _present(logits: Tensor, mask: Any) -> Tensor:
    """Logits without those of the padding, where each token has some."""
    per_token = mask is not None and logits.shape[:2] == mask.shape
    return logits[torch.from_numpy(mask).to(logits.device)] if per_token else logits


def _close(found: Tensor, expected: Tensor) -> bool:
    tolerance = _TOLERANCE.get(expected.dtype, _ROUGH)
    difference = (found.to(expected.device).float() - expected.float()).abs().max()
    return bool(difference <= tolerance * expected.float().abs().max().clamp(min=1.0))
