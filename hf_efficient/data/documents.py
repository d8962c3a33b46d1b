"""What a language model learns to write: texts, completions of prompts, or the assistant's turns of conversations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hf_efficient.data.columns import guess_text, missing_column, read_texts, refuse_gaps
from hf_efficient.errors import DataError, PlanError, RecipeError

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from hf_efficient.recipe.data import Columns

Message = dict[str, str]
Place = Callable[[str], str]

ASSISTANT = "assistant"
"""Role of the turns that the model learns to write."""


@dataclass(frozen=True)
class Documents:
    """The columns of a language model's data set: one of texts, of conversations, or two of prompts and completions."""

    text: str | None = None
    prompt: str | None = None
    completion: str | None = None
    """None where prompts are to be completed by the model."""
    messages: str | None = None

    @classmethod
    def of(cls, columns: Columns, table: Dataset, place: Place) -> Documents:
        """The columns that the recipe names, or that the table's own names tell.

        Raises:
            RecipeError: a named column does not exist, or the columns are of two kinds of rows.
            DataError: the column of texts can't be told.
        """
        named = {part: getattr(columns, part) for part in ("text", "prompt", "completion", "messages")}
        given = {part: name for part, name in named.items() if name is not None}
        for part, name in given.items():
            if name not in table.column_names:
                raise RecipeError(f"{place(f'data.columns.{part}')}: {missing_column(name, table.column_names)}")
        if not given:
            given = _guess(table, place)
        if "prompt" in given or "completion" in given:
            given = {"prompt": "prompt", "completion": "completion"} | given
        if set(given) not in ({"text"}, {"messages"}, {"prompt", "completion"}):
            raise RecipeError(
                f"{place('data.columns')}: expected text, or messages, or prompt and completion; found "
                f"{', '.join(given)}; remove all but one kind"
            )
        return cls(**given)

    @property
    def kind(self) -> str:
        """`text`, `messages` or `completion`."""
        return "text" if self.text else "messages" if self.messages else "completion"

    def check(self, table: Dataset, split: str, *, scored: bool) -> None:
        """Refuse rows that are no texts or conversations.

        Raises:
            DataError: the first such row, with its number.
        """
        if self.messages is not None:
            read_conversations(table, self.messages, split)
        for column in (self.text, self.prompt, self.completion):
            if column is not None:
                read_texts(table, column, split)

    def strata(self, table: Dataset) -> None:
        """None: any share of the rows is like any other."""
        return


def _guess(table: Dataset, place: Place) -> dict[str, str]:
    if "messages" in table.column_names:
        return {"messages": "messages"}
    if {"prompt", "completion"} <= set(table.column_names):
        return {"prompt": "prompt", "completion": "completion"}
    return {"text": guess_text(table, set(), place)}


def read_conversations(table: Dataset, column: str, split: str, *, answered: bool = True) -> list[list[Message]]:
    """The conversations of a column; `answered` ones hold a turn of the assistant after another one.

    Raises:
        DataError: the column does not exist, or the first row that is no such conversation.
    """
    if column not in table.column_names:
        raise DataError(f"{split}: {missing_column(column, table.column_names)}")
    values: list[Any] = table[column][:]
    refuse_gaps(values, column, split, "a list of messages")
    for number, value in enumerate(values, start=1):
        if not isinstance(value, list) or not value or not all(_is_message(message) for message in value):
            found = f"found {str(value)[:60]!r}"
            raise DataError(
                f"{split} row {number}: column {column}: expected messages, each a role and a content; {found}"
            )
        if answered and ASSISTANT not in [message["role"] for message in value[1:]]:
            raise DataError(
                f"{split} row {number}: column {column}: expected a message of the role {ASSISTANT} after another one, "
                f"found the roles {', '.join(message['role'] for message in value)}"
            )
    return values


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("role", "content"))


def require_chat_template(tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise a PlanError where the tokenizer can't turn messages into one text."""
    if tokenizer.chat_template is None:
        raise PlanError(
            "data.columns.messages: this tokenizer has no chat template; use a model that was trained on chats, name "
            "its tokenizer in model.tokenizer, or give columns prompt and completion"
        )


def turns(messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase, row: str) -> Iterator[tuple[str, bool]]:
    """The conversation as text in pieces, and whether each is one that the assistant writes.

    Raises:
        DataError: the chat template rewrites what was said before, so that the pieces can't be told apart.
    """
    whole, done = _rendered(messages, tokenizer), 0
    for index, message in enumerate(messages):
        if message["role"] != ASSISTANT or index == 0:
            continue
        prompt = _rendered(messages[:index], tokenizer, add_generation_prompt=True)
        reply = _rendered(messages[: index + 1], tokenizer)
        if not (whole.startswith(reply) and reply.startswith(prompt)):
            raise DataError(f"{row}: the tokenizer's chat template rewrites earlier messages; keep only the last reply")
        yield whole[done : len(prompt)], False
        yield whole[len(prompt) : len(reply)], True
        done = len(reply)
    if whole[done:]:
        yield whole[done:], False


def open_question(messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase) -> str:
    """The conversation as text up to where the assistant is to speak; a last turn of its own is left out."""
    last = messages[-1]["role"] == ASSISTANT and len(messages) > 1
    return _rendered(messages[:-1] if last else messages, tokenizer, add_generation_prompt=True)


def _rendered(
    messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase, *, add_generation_prompt: bool = False
) -> str:
    text: Any = tokenizer.apply_chat_template(
        list(messages), tokenize=False, add_generation_prompt=add_generation_prompt
    )
    return str(text)
