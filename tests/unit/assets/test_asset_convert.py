from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from hf_efficient.assets.convert import brown, movie_sentiment, onnx_bert, split_zip, tab_corpus, tweets, verbatim
from hf_efficient.errors import AssetError

HIDDEN, INTERMEDIATE, VOCAB, POSITIONS = 32, 8, 5, 7


@pytest.fixture
def folders(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    return source, target


def rows(path: Path) -> list[dict[str, object]]:
    return pq.read_table(path).to_pylist()


def test_verbatim_moves_files_and_leaves_folders(folders):
    source, target = folders
    (source / ".cache").mkdir()
    (source / "config.json").write_text("{}")
    verbatim.convert(source, target)
    assert [path.name for path in target.iterdir()] == ["config.json"]


def test_a_model_in_a_zip_that_was_cut_into_parts(folders):
    source, target = folders
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.mkdir("model")
        for name in (*split_zip.FILES, "README.md"):
            archive.writestr(f"model/{name}", f"content of {name}")
    content = whole.getvalue()
    for number, start in enumerate(range(0, len(content), 200), start=1):
        (source / f"model.zip.{number:03d}").write_bytes(content[start : start + 200])
    split_zip.convert(source, target)
    assert {path.name: path.read_text() for path in target.iterdir()} == {
        name: f"content of {name}" for name in split_zip.FILES
    }


def test_tab_corpus(folders):
    source, target = folders
    header = "Category\tText\nd\tstring\nclass\t\n"
    (source / "x-train.tab").write_text(f'{header}\t\nacq\tshares "rose \nearn\tnet profit\nearn\tnet profit\n')
    (source / "x-test.tab").write_text(f"{header}earn\tshares fell\nacq\tnet profit\n")
    tab_corpus.convert(source, target)
    assert rows(target / "train.parquet") == [
        {"text": 'shares "rose', "label": "acq"},
        {"text": "net profit", "label": "earn"},
        {"text": "net profit", "label": "earn"},
    ]
    assert rows(target / "test.parquet") == [{"text": "shares fell", "label": "earn"}]


def write_reviews(source: Path, reviews: list[tuple[float, str]]) -> None:
    truth = [f"{i}\t{score}\t{text}\r\n" for i, (score, text) in enumerate(reviews, 1)]
    ratings = [f"{i}\t{score}\t{i / 10}\t[1, 2]\r\n" for i, (score, _) in enumerate(reviews, 1)]
    (source / "movieReviewSnippets_GroundTruth.txt").write_bytes("".join(truth).encode())
    (source / "movieReviewSnippets_anonDataRatings.txt").write_bytes("".join(ratings).encode())


def test_movie_sentiment_rows(folders):
    source, target = folders
    reviews = [(0.5, "Fine é "), (-0.49, "So so"), (-3.25, 'A "dud"'), (0.5, "Fine é"), (0.0, "Exists")]
    write_reviews(source, reviews)
    movie_sentiment.convert(source, target)
    assert rows(target / "train.parquet") == [
        {"text": "Fine é", "label": "positive", "score": 0.5, "rater_std": 0.1},
        {"text": 'A "dud"', "label": "negative", "score": -3.25, "rater_std": 0.3},
    ]
    assert rows(target / "validation.parquet") == []


def test_tweets(folders):
    source, target = folders
    (source / "tweets_GroundTruth.txt").write_bytes('1\t2.5\tYay. \r\n2\t-0.25\tso "lucky" é\r\n'.encode())
    tweets.convert(source, target)
    assert rows(target / "train.parquet") == [
        {"text": "Yay.", "score": 2.5},
        {"text": 'so "lucky" é', "score": -0.25},
    ]


def test_movie_sentiment_holds_out_a_fifth_of_each_label(folders):
    source, target = folders
    write_reviews(source, [(1.0, f"good {i}") for i in range(30)] + [(-1.0, f"bad {i}") for i in range(10)])
    movie_sentiment.convert(source, target)
    train, validation = rows(target / "train.parquet"), rows(target / "validation.parquet")
    assert [row["label"] for row in validation] == ["positive"] * 6 + ["negative"] * 2
    assert len(train) == 32
    assert not {row["text"] for row in train} & {row["text"] for row in validation}


def test_the_held_out_rows_depend_on_neither_order_nor_generator():
    reviews = [movie_sentiment.Review(text, "positive", 1.0, 0.0) for text in "abcde"]
    # sha256("0:a") … sha256("0:e") start with 9d, e0, be, 7d, e0: the fourth is the least.
    assert movie_sentiment.choose_held_out(reviews) == {"d"}
    assert movie_sentiment.choose_held_out(reversed(reviews)) == {"d"}


def bert_weights() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(1)
    config = {
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "vocab_size": VOCAB,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "num_hidden_layers": 2,
    }
    shapes = onnx_bert.expected_shapes(config)
    return {name: draw.normal(size=s).astype(np.float32) for name, s in shapes.items() if "pooler" not in name}


def write_graph(path: Path, weights: dict[str, np.ndarray]) -> None:
    """A graph as PyTorch exports it: constant folding has renamed and transposed the linear layers' weights."""
    tensors, nodes = [], []
    for index, (name, value) in enumerate(weights.items()):
        if value.ndim == 2 and "embeddings" not in name:
            layer = name.removesuffix(".weight").replace(".", "/")
            tensors.append(numpy_helper.from_array(value.T.copy(), f"onnx::MatMul_{index}"))
            node_name = f"/model/model.0/auto_model/{layer}/MatMul"
            nodes.append(helper.make_node("MatMul", ["x", f"onnx::MatMul_{index}"], [f"y{index}"], node_name))
        else:
            tensors.append(numpy_helper.from_array(value, f"model.0.auto_model.{name}"))
    # A product of two activations, as in attention, has no weight.
    nodes.append(helper.make_node("MatMul", ["x", "x"], ["scores"], "/model/model.0/auto_model/self/MatMul"))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, None])
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [x], [], tensors)), path)


def test_onnx_bert_restores_names_and_orientation(folders):
    source, target = folders
    weights = bert_weights()
    write_graph(source / "m.onnx", weights)
    (source / "vocab.txt").write_text("[PAD]\n")
    onnx_bert.convert(source, target)
    assert sorted(path.name for path in target.iterdir()) == ["config.json", "model.safetensors", "vocab.txt"]
    converted = load_file(target / "model.safetensors")
    assert converted.keys() == weights.keys() | {"pooler.dense.weight", "pooler.dense.bias"}
    for name, value in weights.items():
        np.testing.assert_array_equal(converted[name], value)
    config = json.loads((target / "config.json").read_text())
    assert (config["num_hidden_layers"], config["num_attention_heads"], config["intermediate_size"]) == (2, 1, 8)
    assert (config["vocab_size"], config["max_position_embeddings"], config["type_vocab_size"]) == (5, 7, 2)


def test_onnx_bert_pooler_is_always_the_same():
    first, second = onnx_bert.new_pooler(8), onnx_bert.new_pooler(8)
    np.testing.assert_array_equal(first["pooler.dense.weight"], second["pooler.dense.weight"])
    assert 0.01 < first["pooler.dense.weight"].std() < 0.03


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("encoder.layer.1.output.dense.weight", (HIDDEN, 9), r"should have the shape \(32, 8\), found \(32, 9\)"),
        ("encoder.layer.1.output.dense.bias", None, r"should have the shape \(32,\), found None"),
        ("encoder.layer.0.rotary.weight", (2,), r"should have the shape None, found \(2,\)"),
        ("embeddings.word_embeddings.weight", None, "not a BERT encoder: it has no embeddings.word_embeddings"),
    ],
)
def test_onnx_bert_refuses_other_graphs(folders, name, shape, message):
    source, target = folders
    weights = bert_weights()
    weights.pop(name, None)
    if shape:
        weights[name] = np.zeros(shape, np.float32)
    write_graph(source / "m.onnx", weights)
    with pytest.raises(AssetError, match=message):
        onnx_bert.convert(source, target)
    assert not list(target.iterdir())


def pack_brown(archive: Path, documents: dict[str, str]) -> None:
    with tarfile.open(archive, "w:gz") as package:
        for name, text in documents.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text.encode())
            package.addfile(entry, io.BytesIO(text.encode()))


def test_brown_sentences_are_lines_of_words_with_coarse_tags(folders):
    source, target = folders
    pages = {f"ca{number:02}": "\n\tIt/pps 1/2/cd ./.\nDon't/do*\n\n" for number in range(1, 11)}
    pack_brown(source / "corpus.tgz", {"README": "no/nn document/nn", **pages})
    brown.convert(source, target)
    train, validation = rows(target / "train.parquet"), rows(target / "validation.parquet")
    assert {row["document"] for row in train} | {row["document"] for row in validation} == pages.keys()
    assert len({row["document"] for row in validation}) == 2
    assert (len(train), len(validation)) == (16, 4)
    assert {**train[0], "document": None} == {
        "tokens": ["It", "1/2", "."],
        "tags": ["PRON", "NUM", "PUNCT"],
        "document": None,
    }
    assert train[1]["tags"] == ["VERB"]


def test_brown_holds_out_a_fifth_of_each_genre_whatever_the_order():
    names = [f"{genre}{number:02}" for genre in ("ca", "cr") for number in range(5)]
    held_out = brown.choose_held_out(names)
    assert sorted(name[:2] for name in held_out) == ["ca", "cr"]
    assert brown.choose_held_out(reversed(names)) == held_out


@pytest.mark.parametrize(
    ("tag", "coarse"),
    [
        ("nn-tl", "NOUN"),
        ("nn-tl-hl", "NOUN"),
        ("np$", "NOUN"),
        ("pp$", "PRON"),
        ("ppss+md", "PRON"),
        ("bedz*", "VERB"),
        ("*", "ADV"),
        ("*-hl", "ADV"),
        ("---hl", "PUNCT"),
        ("(-hl", "PUNCT"),
        ("fw-in+at-tl", "X"),
        ("NIL", "X"),
    ],
)
def test_coarse_tags_of_brown(tag, coarse):
    assert brown.coarse_tag(tag) == coarse
