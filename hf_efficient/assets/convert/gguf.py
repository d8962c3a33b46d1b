"""A quantised language model out of a GGUF file, as transformers' own."""

from __future__ import annotations

from pathlib import Path

from hf_efficient.assets.convert import verbatim


def convert(source: Path, target: Path) -> None:
    """Write the weights of the only GGUF file in fp32, their configuration and tokenizer; move the rest.

    The weights are those that the quantised ones stand for: at 4 bits they are near the ones that were published, not
    the same.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    file = next(source.glob("*.gguf"))
    read = AutoModelForCausalLM.from_pretrained(source, gguf_file=file.name, dtype=torch.float32)
    # transformers 5.23 counts what it read as quantised, and would not train it.
    del read.config.quantization_config
    model = type(read)(read.config)
    model.load_state_dict(read.state_dict())
    model.generation_config = read.generation_config
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(source, gguf_file=file.name).save_pretrained(target)
    file.unlink()
    verbatim.convert(source, target)
