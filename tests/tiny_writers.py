"""Tiny models that make views, with random weights, saved as folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers

from hf_efficient.assets import resolve


def _saved(model: type[Any], source: str, path: Path, **fields: Any) -> str:
    """The folder of a model with the configuration and the tokenizer of a built-in asset."""
    config = transformers.AutoConfig.from_pretrained(resolve(source))
    config.update(fields)
    torch.manual_seed(0)
    model(config).save_pretrained(path)
    transformers.AutoTokenizer.from_pretrained(resolve(source)).save_pretrained(path)
    return str(path)


def save_masked_lm(path: Path) -> str:
    """A BERT that fills in words."""
    return _saved(transformers.BertForMaskedLM, "demo/tiny-bert", path)


def save_roberta(path: Path, num_positions: int) -> str:
    """A RoBERTa that fills in words; it numbers positions from 1 on, for the pad token is 0."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(resolve("demo/tiny-bert"))
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=num_positions,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    transformers.RobertaForMaskedLM(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return str(path)


def save_seq2seq(path: Path) -> str:
    """A T5 that reads and writes letters."""
    return _saved(transformers.T5ForConditionalGeneration, "demo/tiny-t5", path, d_model=32, d_ff=32)


def save_marian(path: Path) -> str:
    """A Marian whose vocabularies are learnt from the texts of `demo/smoke`; needs sentencepiece."""
    import sentencepiece

    path.mkdir()
    for side in ("source", "target"):
        sentencepiece.SentencePieceTrainer.train(
            input=str(resolve("demo/smoke") / "train.csv"),
            model_prefix=str(path / side),
            vocab_size=120,
            minloglevel=2,
        )
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path / "source.model"))
    pieces = [processor.id_to_piece(number) for number in range(3, processor.get_piece_size())]
    vocabulary = {piece: number for number, piece in enumerate(["</s>", "<unk>", *pieces, "<pad>"])}
    (path / "vocab.json").write_text(json.dumps(vocabulary))
    files = (path / "source.model", path / "target.model", path / "vocab.json")
    transformers.MarianTokenizer(*map(str, files)).save_pretrained(path)
    last = len(vocabulary) - 1
    layers = {f"{part}_{name}": 2 for part in ("encoder", "decoder") for name in ("layers", "attention_heads")}
    ids = {"pad_token_id": last, "decoder_start_token_id": last, "eos_token_id": 0, "forced_eos_token_id": 0}
    config = transformers.MarianConfig(
        vocab_size=len(vocabulary),
        d_model=16,
        encoder_ffn_dim=24,
        decoder_ffn_dim=24,
        max_position_embeddings=64,
        **layers,
        **ids,
    )
    torch.manual_seed(0)
    model = transformers.MarianMTModel(config)
    model.generation_config.update(bad_words_ids=[[last]], num_beams=4, max_length=64)  # as those of the Hub
    model.save_pretrained(path)
    return str(path)
