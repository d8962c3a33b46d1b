"""A BERT encoder out of an ONNX graph that PyTorch exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_efficient.assets.convert import verbatim
from hf_efficient.errors import AssetError

if TYPE_CHECKING:
    import numpy as np

    Weights = dict[str, np.ndarray[Any, np.dtype[np.float32]]]

_MODULE = "auto_model"
"""Name of the encoder inside the exported module."""
_HEAD_SIZE = 32
"""Width of an attention head in every MiniLM; the weights' shapes do not tell."""
_INITIALIZER_RANGE = 0.02


def convert(source: Path, target: Path) -> None:
    """Write `config.json` and `model.safetensors` for the only ONNX file and move the files beside it.

    Raises:
        AssetError: the graph is not a BERT encoder.
    """
    from safetensors.numpy import save

    graph = next(source.glob("*.onnx"))
    weights = read_weights(graph)
    config = infer_config(weights)
    weights |= new_pooler(config["hidden_size"])
    _check_shapes(graph.name, weights, expected_shapes(config))
    (target / "model.safetensors").write_bytes(save(weights, metadata={"format": "pt"}))
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    graph.unlink()
    verbatim.convert(source, target)


def read_weights(path: Path) -> Weights:
    """The encoder's weights under their PyTorch names.

    Constant folding keeps the names of embeddings, biases and norms. The right-hand side of a `MatMul` lost its
    name and is transposed, but the node still carries the path of the layer that it came from.
    """
    import onnx

    graph = onnx.load(path).graph
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights: Weights = {_after_module(name, "."): value for name, value in tensors.items() if f"{_MODULE}." in name}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in tensors:
            layer = _after_module(node.name, "/").removesuffix("/MatMul").replace("/", ".")
            weights[f"{layer}.weight"] = tensors[node.input[1]].T.copy()
    return weights


def _after_module(name: str, separator: str) -> str:
    return name.rpartition(f"{_MODULE}{separator}")[2]


def infer_config(weights: Weights) -> dict[str, Any]:
    """The BERT configuration that the weights' shapes imply.

    Raises:
        AssetError: the weights lack BERT's embeddings or its first layer.
    """
    try:
        vocab_size, hidden_size = weights["embeddings.word_embeddings.weight"].shape
        num_positions = len(weights["embeddings.position_embeddings.weight"])
        num_types = len(weights["embeddings.token_type_embeddings.weight"])
        intermediate_size = len(weights["encoder.layer.0.intermediate.dense.bias"])
    except KeyError as error:
        raise AssetError(f"the ONNX graph is not a BERT encoder: it has no {error.args[0]}") from error
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": hidden_size,
        "initializer_range": _INITIALIZER_RANGE,
        "intermediate_size": intermediate_size,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": num_positions,
        "num_attention_heads": hidden_size // _HEAD_SIZE,
        "num_hidden_layers": len({name.split(".")[2] for name in weights if name.startswith("encoder.layer.")}),
        "pad_token_id": 0,
        "type_vocab_size": num_types,
        "vocab_size": vocab_size,
    }


def new_pooler(hidden_size: int) -> Weights:
    """A freshly drawn pooler, always the same: sentence embeddings don't use one, so the export has none."""
    import numpy as np

    weight = np.random.default_rng(0).normal(0.0, _INITIALIZER_RANGE, (hidden_size, hidden_size))
    return {
        "pooler.dense.weight": weight.astype(np.float32),
        "pooler.dense.bias": np.zeros(hidden_size, np.float32),
    }


def expected_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter of `BertModel`."""
    hidden, intermediate = config["hidden_size"], config["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], hidden),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], hidden),
        "embeddings.token_type_embeddings.weight": (config["type_vocab_size"], hidden),
        **_norm("embeddings.LayerNorm", hidden),
        **_linear("pooler.dense", hidden, hidden),
    }
    for index in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{index}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _linear(f"{layer}.attention.{name}", hidden, hidden)
        shapes |= _norm(f"{layer}.attention.output.LayerNorm", hidden)
        shapes |= _linear(f"{layer}.intermediate.dense", intermediate, hidden)
        shapes |= _linear(f"{layer}.output.dense", hidden, intermediate)
        shapes |= _norm(f"{layer}.output.LayerNorm", hidden)
    return shapes


def _linear(name: str, num_out: int, num_in: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (num_out, num_in), f"{name}.bias": (num_out,)}


def _norm(name: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def _check_shapes(graph: str, weights: Weights, expected: dict[str, tuple[int, ...]]) -> None:
    found = {name: value.shape for name, value in weights.items()}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        name = wrong[0]
        raise AssetError(
            f"{graph}: {name} should have the shape {expected.get(name)}, found {found.get(name)} "
            f"({len(wrong)} weights differ)"
        )
