"""Tiny models that write texts, with random weights, saved as folders with their tokenizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers

from hf_efficient.assets import resolve


def _save(path: Path, model: type[Any], config: Any, tokenizer: Any) -> str:
    """The folder of a model, with the same weights at every call."""
    torch.manual_seed(0)
    model(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return str(path)


def _save_like(path: Path, model: type[Any], source: str, **fields: Any) -> str:
    """The folder of a model with the configuration and the tokenizer of a built-in asset."""
    config = transformers.AutoConfig.from_pretrained(resolve(source))
    config.update(fields)
    return _save(path, model, config, transformers.AutoTokenizer.from_pretrained(resolve(source)))


def save_masked_lm(path: Path) -> str:
    """A BERT that fills in words."""
    return _save_like(path, transformers.BertForMaskedLM, "demo/tiny-bert")


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
    return _save(path, transformers.RobertaForMaskedLM, config, tokenizer)


def save_seq2seq(path: Path) -> str:
    """A T5 that reads and writes letters."""
    return _save_like(path, transformers.T5ForConditionalGeneration, "demo/tiny-t5", d_model=32, d_ff=32)


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


CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def _byte_tokenizer() -> Any:
    """A tokenizer whose tokens are bytes, and three special ones."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(["<pad>", "<s>", "</s>", *alphabet])}
    backend = Tokenizer(models.BPE(vocabulary, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", bos_token="<s>", eos_token="</s>", model_max_length=64
    )


def save_llama(path: Path, *, chat: bool = False) -> str:
    """A Llama that reads and writes bytes."""
    tokenizer = _byte_tokenizer()
    tokenizer.chat_template = CHAT_TEMPLATE if chat else None
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=48,
        max_position_embeddings=64,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    return _save(path, transformers.LlamaForCausalLM, config, tokenizer)
