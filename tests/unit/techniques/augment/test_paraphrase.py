from __future__ import annotations

import pytest
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer

from hf_efficient.errors import PlanError
from hf_efficient.recipe.augment_models import Paraphrase
from hf_efficient.techniques.augment.paraphrase import Paraphraser, paraphrase_in
from hf_efficient.techniques.augment.writing import Writer, Written
from tests.tiny_language_models import save_llama
from tests.tiny_writers import save_masked_lm, save_seq2seq


@pytest.mark.parametrize(
    ("text", "is_finished", "paraphrase"),
    [
        ("A view.", True, "A view."),
        ('A view."', True, "A view."),
        ('A view." is another way to say', False, "A view."),
        ('"A view."\n\nIt means…', False, "A view."),
        ("“A view.”", True, "A view."),
        ("A view\nand", False, "A view"),
        ("A view and", False, ""),
        ('"', True, ""),
        ("", True, ""),
    ],
)
def test_the_first_line_is_the_paraphrase_up_to_its_end(text, is_finished, paraphrase):
    assert paraphrase_in(Written(text, is_finished), "A row.") == paraphrase


def test_marks_that_the_row_has_too_close_nothing():
    written = Written('The "view" of it." is a paraphrase', False)
    assert paraphrase_in(written, 'Its "look".') == 'The "view" of it.'
    assert paraphrase_in(written, "Its look.") == 'The "view'


def asked(paraphraser, text):
    requests = []
    object.__setattr__(paraphraser, "writer", Asked(paraphraser.writer, requests))
    paraphraser.views([text], [0])
    return requests[0]


class Asked:
    """Notes what a writer is asked, and writes nothing."""

    def __init__(self, writer, requests):
        self.loaded = writer.loaded
        self.requests = requests

    def write(self, requests, texts, seeds):
        self.requests += requests
        return [Written("", True)] * len(texts)


def test_each_kind_of_model_is_asked_in_its_way(tmp_path):
    t5, llama = save_seq2seq(tmp_path / "t5"), save_llama(tmp_path / "llama", chat=True)
    of = {name: Paraphraser.of(Paraphrase(model=name), "cpu", str) for name in (t5, llama)}
    assert asked(of[t5], "one {x}") == "paraphrase: one {x}"
    request = asked(of[llama], "one {x}")
    assert request.startswith("<|user|>Rewrite this")
    assert request.endswith('\none {x}</s><|assistant|>"')
    own = Paraphraser.of(Paraphrase(model=t5, prompt="<{text}>"), "cpu", str)
    assert asked(own, "one") == "<one>"
    assert own.views(["one"], [0]) == ["one"], "nothing was written"


def test_a_text_that_is_too_long_has_no_paraphrase(tmp_path):
    llama = save_llama(tmp_path / "llama")
    paraphraser = Paraphraser.of(Paraphrase(model=llama, prompt="{text}"), "cpu", str)
    longest, long = "x" * 18, "x" * 19  # 18 to read and 44 to write, of 64
    views = paraphraser.views([longest, long, ""], [0, 1, 2])
    assert views[0]
    assert views[1:] == ["", ""]


def test_a_chat_template_s_special_tokens_are_not_added_again(tmp_path, monkeypatch):
    llama = save_llama(tmp_path / "llama", chat=True)
    tokenizer = AutoTokenizer.from_pretrained(llama)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.chat_template = "{{ bos_token }}" + tokenizer.chat_template
    tokenizer.model_max_length = 256
    tokenizer.save_pretrained(llama)
    read = []
    monkeypatch.setattr(Writer, "_generate", lambda writer, rows, *others: read.extend(rows) or [[2]] * len(rows))
    paraphraser = Paraphraser.of(Paraphrase(model=llama, prompt="{text}"), "cpu", str)
    paraphraser.views(["one"], [0])
    assert tokenizer("one")["input_ids"][0] == 1
    assert [ids.count(1) for ids in read] == [1]


def test_a_model_that_writes_nothing_is_refused(tmp_path):
    bert = save_masked_lm(tmp_path / "bert")
    with pytest.raises(PlanError, match=r"model: .*bert fills in words and writes no texts"):
        Paraphraser.of(Paraphrase(model=bert), "cpu", str)
