"""Whether a model, its tokenizer and the length of a row fit together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from hf_efficient.errors import PlanError, did_you_mean

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

POSITIONS_AFTER_PAD: Final = frozenset(
    {
        "camembert",
        "data2vec-text",
        "ibert",
        "layoutlmv3",
        "lilt",
        "longformer",
        "luke",
        "markuplm",
        "mpnet",
        "roberta",
        "roberta-prelayernorm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
    }
)
"""Model types that number positions from the pad token's id on: of 514 positions, 512 can be used."""

_NO_LIMIT: Final = 1_000_000
"""Above this, a tokenizer's `model_max_length` stands for "not known" (transformers writes 1e30)."""


def max_length_of(
    config: Any,
    tokenizer: PreTrainedTokenizerBase,
    wanted: int | None = None,
    place: Callable[[str], str] = str,
    *,
    virtual_tokens: int = 0,
) -> int:
    """Tokens of a row at most: `wanted`, else what the tokenizer says and the model's positions allow.

    Virtual tokens before each row take positions, too.

    Raises:
        PlanError: the model has fewer positions than wanted, or nothing says how many tokens it takes.
    """
    positions = positions_of(config)
    if positions is not None:
        positions -= virtual_tokens
    if wanted is not None:
        if positions is not None and wanted > positions:
            beside = f" beside {virtual_tokens} virtual tokens" if virtual_tokens else ""
            raise PlanError(
                f"{place('data.max_length')}: expected at most {positions}, the positions of this "
                f"{config.model_type} model{beside}; found {wanted}"
            )
        return wanted
    known = _least(positions, tokenizer)
    if known is None:
        raise PlanError(
            f"{place('data.max_length')}: neither this {config.model_type} model nor its tokenizer says how many "
            "tokens it takes; set data.max_length"
        )
    return known


def longest_read(config: Any, tokenizer: PreTrainedTokenizerBase) -> int | None:
    """Tokens that a model and its tokenizer take at most, or None where neither has such a bound."""
    return _least(positions_of(config), tokenizer)


def _least(positions: int | None, tokenizer: PreTrainedTokenizerBase) -> int | None:
    lengths = (positions, tokenizer.model_max_length)
    return min((length for length in lengths if length and length < _NO_LIMIT), default=None)


def positions_of(config: Any) -> int | None:
    """Tokens that the position embeddings are made for, or None where the model has no such bound."""
    text = config.get_text_config()
    positions: int | None = getattr(text, "max_position_embeddings", None)
    if not positions or positions < 0:
        return None
    return positions - text.pad_token_id - 1 if config.model_type in POSITIONS_AFTER_PAD else positions


def check_embeddings(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, place: str) -> None:
    """Refuse a tokenizer that knows more ids than the model has embeddings.

    Raises:
        PlanError: with both numbers.
    """
    embeddings: Any = model.get_input_embeddings()
    num_embeddings = len(embeddings.weight)
    highest = max(tokenizer.get_vocab().values())
    if highest >= num_embeddings:
        raise PlanError(
            f"{place}: the tokenizer has ids up to {highest}, the model embeddings for 0 to {num_embeddings - 1}; use "
            "the model's own tokenizer (remove model.tokenizer)"
        )


def set_pad_token(tokenizer: PreTrainedTokenizerBase, pad_token: str | None, place: str) -> None:
    """Make the tokenizer pad with `pad_token`, or check that it has a token to pad with.

    Raises:
        PlanError: it has none, or does not know the one that was named.
    """
    if pad_token is not None:
        vocabulary = tokenizer.get_vocab()
        if pad_token not in vocabulary:
            hint = did_you_mean(pad_token, tokenizer.all_special_tokens)
            raise PlanError(f"{place}: {pad_token} is not a token of this tokenizer.{hint}")
        tokenizer.pad_token = pad_token
    if tokenizer.pad_token is None:
        example = tokenizer.eos_token or "one of its tokens"
        raise PlanError(
            f"{place}: this tokenizer has no token to pad with; name one in model.pad_token, e.g. {example}"
        )
