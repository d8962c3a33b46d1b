from __future__ import annotations

import pytest
from datasets import Dataset

from hf_efficient.data.documents import Documents, read_conversations, turns
from hf_efficient.errors import DataError, RecipeError
from hf_efficient.recipe import Columns

USER, REPLY = {"role": "user", "content": "hello"}, {"role": "assistant", "content": "good day"}


def documents(names: list[str], **columns: str) -> Documents:
    return Documents.of(Columns(**columns), Dataset.from_dict({name: ["a"] for name in names}), str)


def test_the_kind_of_rows_is_told_from_the_names():
    assert documents(["text", "title"]) == Documents(text="text")
    assert documents(["prompt", "completion"]) == Documents(prompt="prompt", completion="completion")
    assert documents(["text", "messages"]) == Documents(messages="messages")


def test_one_named_column_of_a_pair_is_enough():
    found = documents(["question", "completion"], prompt="question")
    assert found == Documents(prompt="question", completion="completion")
    assert found.kind == "completion"


def test_two_kinds_of_rows_are_refused():
    with pytest.raises(
        RecipeError, match=r"^data.columns: expected text, or messages, or prompt and completion; found "
    ):
        documents(["text", "prompt", "completion"], text="text", prompt="prompt")


def test_a_missing_column_names_the_nearest():
    with pytest.raises(
        RecipeError, match=r"^data.columns.messages: there is no column mesages.*Did you mean messages\?$"
    ):
        documents(["messages"], messages="mesages")


@pytest.mark.parametrize(
    ("conversation", "message"),
    [
        ("hello", "expected messages, each a role and a content; found 'hello'"),
        ([{"role": "user"}], "expected messages, each a role and a content"),
        ([USER], "expected a message of the role assistant after another one, found the roles user"),
        ([REPLY, USER], "expected a message of the role assistant after another one, found the roles assistant, user"),
    ],
)
def test_what_is_no_conversation_is_refused_with_its_row(conversation, message):
    table = {"messages": [conversation]}
    with pytest.raises(DataError, match=f"^train row 1: column messages: {message}"):
        read_conversations(Dataset.from_dict(table), "messages", "train")


class Templated:
    """A tokenizer's chat template by hand."""

    def __init__(self, forgetful: bool = False) -> None:
        self.forgetful = forgetful

    def apply_chat_template(self, messages, *, tokenize, add_generation_prompt=False):
        assert not tokenize
        shown = messages[-1:] if self.forgetful else messages
        text = "".join(f"<{message['role']}>{message['content']}." for message in shown)
        return text + "<assistant>" * add_generation_prompt


def test_only_the_assistants_turns_are_learnt():
    more = {"role": "user", "content": "and?"}
    assert list(turns([USER, REPLY, more, REPLY, more], Templated(), "train row 1")) == [
        ("<user>hello.<assistant>", False),
        ("good day.", True),
        ("<user>and?.<assistant>", False),
        ("good day.", True),
        ("<user>and?.", False),
    ]


def test_a_template_that_rewrites_what_was_said_is_refused():
    with pytest.raises(DataError, match=r"^train row 3: the tokenizer's chat template rewrites earlier messages"):
        list(turns([USER, REPLY], Templated(forgetful=True), "train row 3"))
