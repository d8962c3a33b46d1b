"""Views in other words, by a sequence-to-sequence or an instruction-tuned language model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from transformers import AutoConfig

from hf_efficient.errors import PlanError
from hf_efficient.models.at_hand import folder_of
from hf_efficient.models.load import explained
from hf_efficient.recipe.augment_models import Paraphrase
from hf_efficient.techniques.augment.pretrained import load
from hf_efficient.techniques.augment.writing import Sampling, Writer, Written

_OF_INSTRUCTED: Final = "Rewrite this sentence in other words, with the same meaning and about the same length:\n{text}"
_OF_SEQ2SEQ: Final = "paraphrase: {text}"
_OPENING: Final = '"'
"""What an instructed model's answer is made to begin with, so that it gives a text and does not talk about it."""
_QUOTES: Final = ('"', "“")
_CLOSING: Final = re.compile(r'["”](?=\W|$)')


@dataclass(frozen=True)
class Paraphraser:
    """A model that is asked to say each text in other words."""

    writer: Writer
    prompt: str
    rows_of_pass: int = 16

    @classmethod
    def of(cls, section: Paraphrase, device: Any, place: Callable[[str], str]) -> Paraphraser:
        """The paraphraser with its settings.

        Raises:
            RecipeError: there is no such model.
            PlanError: it can't be loaded, or writes no texts.
        """
        where = place("model")
        with explained(section.model, where):
            config = AutoConfig.from_pretrained(folder_of(section.model, where))
        if any("MaskedLM" in name for name in config.architectures or ()):  # transformers would have it write on
            raise PlanError(f"{where}: {section.model} fills in words and writes no texts; name a model that does.")
        is_seq2seq = config.is_encoder_decoder
        loaded = load(section.model, "AutoModelForSeq2SeqLM" if is_seq2seq else "AutoModelForCausalLM", device, where)
        prompt = section.prompt or (_OF_SEQ2SEQ if is_seq2seq else _OF_INSTRUCTED)
        sampling = Sampling(section.temperature, section.top_p)
        return cls(Writer(loaded, sampling=sampling, adds_special_tokens=not loaded.tokenizer.chat_template), prompt)

    def views(self, texts: Sequence[str], seeds: Sequence[int], /) -> list[str]:
        """One paraphrase of each text; the text itself where none came to an end, nothing where it is too long."""
        written = self.writer.write([self._asked(text) for text in texts], texts, seeds)
        return [
            "" if found is None else paraphrase_in(found, text) or text
            for found, text in zip(written, texts, strict=True)
        ]

    def _asked(self, text: str) -> str:
        request, tokenizer = self.prompt.replace("{text}", text), self.writer.loaded.tokenizer
        if not tokenizer.chat_template:
            return request
        messages = [{"role": "user", "content": request}]
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)) + _OPENING


def paraphrase_in(written: Written, text: str) -> str:
    """The first line that a model wrote, up to the quotation mark that closes it; nothing where neither ends it."""
    line, end, _ = written.text.partition("\n")
    line = line[1:] if line[:1] in _QUOTES else line
    if marks := list(_CLOSING.finditer(line)):
        return line[: marks[-1 if '"' in text else 0].start()].strip()
    return line.strip() if end or written.is_finished else ""
