from __future__ import annotations

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from datasets.exceptions import DatasetNotFoundError

from hf_efficient.data import hub, load_table, load_tables
from hf_efficient.errors import DataError, RecipeError
from hf_efficient.recipe import Columns, DataSection

CSV = "text,label\n" + "".join(f"text {row},{'ab'[row % 2]}\n" for row in range(20))


def load(place=str, **words):
    return load_tables(DataSection(**words), place)


def sizes(tables):
    return {split: len(table) for split, table in tables.items()}


def rows(*texts, label="a"):
    return Dataset.from_dict({"text": list(texts), "label": [label] * len(texts)})


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text(CSV)
    return path


def test_one_file_gives_training_rows_and_a_held_out_share(csv):
    tables = load(name=str(csv), validation_size=0.2)
    assert sizes(tables) == {"train": 16, "validation": 4}
    assert sorted(tables["validation"]["label"]) == ["a", "a", "b", "b"]
    texts = [*tables["train"]["text"], *tables["validation"]["text"]]
    assert sorted(texts) == sorted(f"text {row}" for row in range(20))


def test_none_are_held_out_where_nothing_is_to_be_scored(csv):
    assert sizes(load(name=str(csv), validation_size=0)) == {"train": 20}


def test_the_held_out_rows_stay_the_same_as_the_training_rows_get_fewer(csv):
    whole = load(name=str(csv), validation_size=0.2)
    fewer = load(name=str(csv), validation_size=0.2, fraction=0.5, limit=6)
    assert sizes(fewer) == {"train": 6, "validation": 4}
    assert fewer["validation"]["text"][:] == whole["validation"]["text"][:]
    assert sorted(fewer["train"]["label"]) == ["a"] * 3 + ["b"] * 3
    assert sizes(load(name=str(csv), validation_size=0.2, fraction=0.5)) == {"train": 8, "validation": 4}


@pytest.mark.parametrize(
    "names",
    [
        ("train.csv", "dev.jsonl", "test.txt"),
        ("training.tsv", "valid.csv", "test.json"),
        ("data/train-00000-of-00001.csv", "data/val.csv", "data/test.csv"),
    ],
)
def test_a_directory_of_files_named_by_split(tmp_path, names):
    content = {
        ".csv": "text,label\none,a\ntwo,b\n",
        ".tsv": "text\tlabel\none\ta\ntwo\tb\n",
        ".json": '[{"text": "one", "label": "a"}, {"text": "two", "label": "b"}]',
        ".jsonl": '{"text": "one", "label": "a"}\n{"text": "two", "label": "b"}',
        ".txt": "one\ntwo\n",
    }
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content[path.suffix])
    tables = load(name=str(tmp_path))
    assert sizes(tables) == {"train": 2, "validation": 2, "test": 2}
    assert all(table["text"][:] == ["one", "two"] for table in tables.values())


def test_shards_are_joined_in_order(tmp_path):
    for shard, text in enumerate(["one", "two"]):
        (tmp_path / f"train-0000{shard}-of-00002.csv").write_text(f"text,label\n{text},a\n")
    assert load_table(str(tmp_path))["text"][:] == ["one", "two"]


def test_two_files_of_one_split_are_ambiguous(tmp_path):
    for name in ("dev.csv", "valid.csv", "train.csv"):
        (tmp_path / name).write_text(CSV)
    with pytest.raises(DataError, match=r"expected one file of validation rows, found dev.csv, valid.csv; name one"):
        load(name=str(tmp_path))


def test_directories_saved_by_datasets(tmp_path):
    rows("one", "two").save_to_disk(tmp_path / "one")
    DatasetDict({"train": rows("one"), "validation": rows("two")}).save_to_disk(tmp_path / "both")
    assert sizes(load(name=str(tmp_path / "one"), validation_size=0.5)) == {"train": 1, "validation": 1}
    assert sizes(load(name=str(tmp_path / "both"))) == {"train": 1, "validation": 1}


def test_a_damaged_saved_directory(tmp_path):
    rows("one").save_to_disk(tmp_path / "one")
    (tmp_path / "one" / "state.json").write_text("{")
    with pytest.raises(DataError, match="can't be loaded as saved by datasets") as raised:
        load(name=str(tmp_path / "one"))
    assert "\n" not in str(raised.value)


def test_splits_and_files_can_be_named(tmp_path, csv):
    both = DatasetDict({"train": rows("one"), "extra": rows("two"), "test": rows("three")})
    both.save_to_disk(tmp_path / "both")
    tables = load(name=str(tmp_path / "both"), train="extra", validation=str(csv))
    assert sizes(tables) == {"train": 1, "validation": 20, "test": 1}
    assert tables["train"]["text"][:] == ["two"]
    assert sizes(load(train=str(csv), validation=str(csv))) == {"train": 20, "validation": 20}


def test_live_tables_stand_in_for_words(csv):
    tables = load_tables(DataSection(name="no/such"), str, train=rows("one", "two"), validation=rows("three"))
    assert sizes(tables) == {"train": 2, "validation": 1}
    tables = load_tables(DataSection(name=str(csv)), str, validation=rows("three"))
    assert sizes(tables) == {"train": 20, "validation": 1}


def test_hidden_labels_are_allowed_in_the_test_split_alone(tmp_path):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["a", "b"])})
    hidden = Dataset.from_dict({"text": ["x"], "label": [-1]}, features=features)
    seen = Dataset.from_dict({"text": ["x", "y"], "label": [0, 1]}, features=features)
    DatasetDict({"train": seen, "validation": seen, "test": hidden}).save_to_disk(tmp_path / "good")
    assert sizes(load(name=str(tmp_path / "good"))) == {"train": 2, "validation": 2, "test": 1}
    DatasetDict({"train": seen, "validation": hidden}).save_to_disk(tmp_path / "bad")
    with pytest.raises(DataError, match="validation row 1: column label: expected a class from 0 to 1, found -1"):
        load(name=str(tmp_path / "bad"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({}, "^a.yaml:1: data: expected data.name or data.train, found neither$"),
        (
            {"name": "{tmp}/reviws.csv"},
            r"^a.yaml:1: data.name: .*reviws.csv: there is no such file. Did you mean reviews",
        ),
        (
            {"name": "{tmp}/empty"},
            "data.name: .*empty holds no data set: expected one saved by datasets, or files named",
        ),
        (
            {"name": "{tmp}/reviews.csv", "validation": "dev"},
            "data.validation: dev is neither a split nor a file .*; the",
        ),
        (
            {"train": "train"},
            "data.train: train is neither a split nor a file .*; without data.name there are no splits",
        ),
        ({"train": "{tmp}/x.csv"}, "^a.yaml:1: data.train: .*x.csv: there is no such file"),
        (
            {"name": "{tmp}/only-test"},
            "only-test has no split named train, only test; name the training rows in data.train",
        ),
        ({"name": "{tmp}/reviews.csv", "config": "sst2"}, "is not on the Hub, so data.config has no effect; remove it"),
        (
            {"name": "{tmp}/reviews.csv", "revision": "v1"},
            "is not on the Hub, so data.revision has no effect; remove it",
        ),
        ({"name": "{tmp}/reviews.csv", "columns": Columns(text="txt")}, r"there is no column txt, only text, label"),
    ],
)
def test_words_for_what_does_not_exist(tmp_path, csv, words, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "only-test").mkdir()
    (tmp_path / "only-test" / "test.csv").write_text(CSV)
    filled = {key: value.format(tmp=tmp_path) if isinstance(value, str) else value for key, value in words.items()}
    with pytest.raises(RecipeError, match=said):
        load("a.yaml:1: {}".format, **filled)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("text,label\na,1\nb,\n", "train row 2: column label: expected a label, found none"),
        ("text,label\n1,a\n2,b\n", "train row 1: column text: expected a text, found 1"),
        ("text,mark\na,1\nb,2\n", "train: expected a column named label or labels; there are text, mark"),
        ("text,label\na,x\nb,y\n", "data.validation_size: no label stands in two rows, so none of the 2 training rows"),
    ],
)
def test_rows_that_cant_be_used(tmp_path, content, said):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=said):
        load(name=str(tmp_path / "a.csv"), columns=Columns(text="text"))


def test_columns_that_differ_between_splits(tmp_path, csv):
    (tmp_path / "dev.csv").write_text("sentence,label\nx,a\n")
    with pytest.raises(DataError, match=r"^validation: there is no column text, only sentence, label"):
        load(name=str(csv), validation=str(tmp_path / "dev.csv"))


def test_an_empty_split():
    with pytest.raises(DataError, match=r"^validation: expected rows, found none$"):
        load_tables(DataSection(), str, train=rows("one"), validation=rows())


def test_one_table_to_score(tmp_path, csv):
    both = DatasetDict({"train": rows("one"), "validation": rows("two"), "odd": rows("three")})
    both.save_to_disk(tmp_path / "both")
    assert len(load_table(str(csv))) == 20
    assert load_table(str(tmp_path / "both"))["text"][:] == ["two"]
    assert load_table(str(tmp_path / "both"), split="odd")["text"][:] == ["three"]
    with pytest.raises(
        RecipeError, match=r"^split: od is neither .*; the splits are train, validation, odd. Did you mean"
    ):
        load_table(str(tmp_path / "both"), split="od")


def test_the_hub_gives_splits(monkeypatch):
    calls = []

    def load_dataset(*args, **kwargs):
        calls.append((args, kwargs))
        return DatasetDict({"train": rows("one"), "validation": rows("two")})

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    assert sizes(load(name="nyu-mll/glue", config="sst2", revision="main")) == {"train": 1, "validation": 1}
    assert calls == [(("nyu-mll/glue", "sst2"), {"revision": "main", "streaming": False})]


@pytest.mark.parametrize(
    ("raised", "error", "said"),
    [
        (DatasetNotFoundError("x"), RecipeError, "there is no file, directory or Hub data set a/b, or it is private"),
        (ConnectionError("x"), DataError, "the Hub can't be reached; run `hf download a/b --repo-type dataset"),
        (
            ValueError("Config name is missing.\nPick"),
            RecipeError,
            "data.name: Config name is missing.; set data.config$",
        ),
        (RuntimeError("Dataset scripts are\nout"), DataError, "data.name: a/b can't be loaded: Dataset scripts are$"),
    ],
)
def test_what_the_hub_says_is_one_line(monkeypatch, raised, error, said):
    def load_dataset(*_, **__):
        raise raised

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    with pytest.raises(error, match=said):
        load(name="a/b")


def test_an_unreachable_hub_is_asked_once_and_left_alone(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    hub.hub_reachable.cache_clear()
    with hub.quick_to_fail():
        assert constants.HF_HUB_OFFLINE
    assert not constants.HF_HUB_OFFLINE
    hub.hub_reachable.cache_clear()


def test_a_live_table_of_another_type():
    with pytest.raises(DataError, match=r"^train: expected a datasets.Dataset of texts and labels, found list$"):
        load_tables(DataSection(), str, train=[{"text": "a", "label": 1}])
