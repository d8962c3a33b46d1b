"""What goes wrong is said in one line with its place and its remedy, and the mended command runs in the same place."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from hf_efficient.training import run as run_module
from tests.integration.command_line import sentences

RECIPE, DATA, OTHER = 2, 3, 1
"""Exit codes."""


@pytest.fixture
def refused(command_line):
    """A function that runs a command which must fail with a status and in one line, and gives that line."""

    def refused(status, *settings, recipe=None):
        ending = command_line.finetune(*settings, recipe=recipe)
        assert (ending.status, ending.out) == (status, "")
        assert len(ending.said) == 1
        assert ending.said[0].startswith("error: ")
        return ending.said[0].removeprefix("error: ").replace(f"{command_line.folder}/", "")

    return refused


@pytest.fixture
def runs(command_line):
    """A function that runs a command which must train to its end, without a word of complaint."""

    def runs(*settings):
        ending = command_line.finetune(*settings)
        assert (ending.status, ending.said) == (0, [])
        assert (command_line.run_directory / "report.json").is_file()
        return ending

    return runs


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "training.learnig_rate=1",
            "command line: training.learnig_rate is not a setting. Did you mean training.learning_rate?",
        ),
        (
            "training.learning_rate=fast",
            "command line: training.learning_rate must be a number of at least 0, found the word fast.",
        ),
        (
            "data.columns.text=txet",
            "command line: data.columns.text: there is no column txet, only text, label. Did you mean text?",
        ),
        (
            "data.columns.label=lable",
            "command line: data.columns.label: there is no column lable, only text, label. Did you mean label?",
        ),
        (
            "data.max_length=65",
            "command line: data.max_length: expected at most 64, the positions of this bert model; found 65",
        ),
        (
            "model.pad_token=PAD",
            "command line: model.pad_token: PAD is not a token of this tokenizer. Did you mean [PAD]?",
        ),
        (
            "model.config.hidden_sise=32",
            "command line: model.config.hidden_sise: hidden_sise is no field of BertConfig. Did you mean hidden_size?",
        ),
        (
            "model.config.vocab_size=100",
            "default: model.tokenizer: the tokenizer has ids up to 383, the model embeddings for 0 to 99; "
            "use the model's own tokenizer (remove model.tokenizer)",
        ),
        (
            "training.optim=adamw_8bit",
            "command line: training.optim is adamw_8bit, which keeps 8 bits only for weights of 4,096 numbers or more "
            "that are no embeddings, and this model trains none: write adamw_torch.",
        ),
        (
            "training.optim=grokadamw",
            "command line: training.optim is grokadamw, which needs the package grokadamw: pip install grokadamw.",
        ),
    ],
)
def test_a_wrong_setting(setting, message, refused, runs):
    assert refused(RECIPE, setting) == message
    runs()


def test_rows_that_fill_no_batch(refused, runs):
    settings = ("batching.padding=dynamic", "training.dataloader_drop_last=true")
    assert refused(RECIPE, *settings, "training.per_device_train_batch_size=500") == (
        "training.dataloader_drop_last leaves every row out: 18 training rows don't fill a batch of 500 on each of 1 "
        "processes; set it to false, or take a smaller batch."
    )
    runs(*settings)


def test_a_recipe_that_does_not_exist(command_line, refused, runs):
    assert refused(RECIPE, recipe=command_line.folder / "recpie.yaml").startswith(
        "recpie.yaml does not exist, nor is it a shipped recipe."
    )
    runs()


def test_a_metric_that_is_none_of_the_run(refused, runs):
    best = "training.load_best_model_at_end=true"
    message = refused(RECIPE, best, "training.metric_for_best_model=acuracy")
    assert message.startswith(
        "command line: training.metric_for_best_model is acuracy, which is no metric of this run ("
    )
    assert message.endswith("). Did you mean accuracy?")
    runs(best, "training.metric_for_best_model=accuracy")


def test_a_model_that_nobody_has(refused, runs):
    assert refused(RECIPE, "model.name=nobody/nothing").startswith(
        "command line: model.name: nobody/nothing is no directory, is not in the cache, and the Hub can't be reached; "
    )
    assert refused(OTHER, "model.name=demo/tiny-bret") == (
        "demo/tiny-bret is not an asset. Did you mean demo/tiny-bert?"
    )
    runs()


def test_data_that_nobody_has(refused, runs):
    assert refused(DATA, "data.train=", "data.name=nobody/nothing").startswith(
        "command line: data.name: nobody/nothing is not in the cache and the Hub can't be reached; run"
    )
    assert refused(RECIPE, "data.train=row.csv") == "command line: data.train: row.csv: there is no such file."
    runs()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rows.csv: expected a header and rows, found an empty file"),
        ("text,label\n", "rows.csv: expected rows, found none"),
        (
            "text,label\na,b,c\n",
            "rows.csv:2: expected 2 columns, found 3; put quotes round values that hold the separator or a line break",
        ),
    ],
)
def test_a_file_without_rows(text, message, command_line, refused, runs):
    path = command_line.text("rows.csv", text)
    assert refused(DATA) == message
    path.unlink()
    runs()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"text": None, "label": "cooking"},
            "train row 21: column text: expected a text, found none (1 row so); fill or drop them",
        ),
        (
            {"text": 3, "label": "cooking"},
            "rows.jsonl: row 21: column text holds 3 where the rows before hold values of another type; "
            "give the column one type",
        ),
        (
            {"text": "soup", "label": None},
            "train row 21: column label: expected a label, found none (1 row so); fill or drop them",
        ),
    ],
)
def test_a_row_that_lacks_something(row, message, command_line, refused, runs):
    rows = command_line.rows("rows.jsonl", [*sentences(20), row])
    assert refused(DATA, f"data.train={rows}") == message
    command_line.rows("rows.jsonl", sentences(20))
    runs(f"data.train={rows}")


def test_texts_that_are_numbers(command_line, refused, runs):
    rows = command_line.rows("rows.csv", [{"text": number, "label": number % 2} for number in range(20)])
    assert refused(DATA) == "train row 1: column text: expected a text, found 0; put texts in quotes"
    rows.unlink()
    runs()


def test_texts_that_are_all_missing(command_line, refused):
    command_line.rows("rows.csv", [{**row, "text": ""} for row in sentences(20)])
    assert refused(DATA) == ("train row 1: column text: expected a text, found none (20 rows so); fill or drop them")


def test_rows_of_one_class(command_line, refused, runs):
    rows = command_line.rows("rows.csv", [{**row, "label": "cooking"} for row in sentences(20)])
    assert refused(DATA) == "train: expected at least two classes, found cooking in all 18 rows"
    rows.unlink()
    runs()


def test_a_label_that_training_has_not_seen(command_line, refused, runs):
    rows = command_line.rows("validation.csv", [*sentences(4), {"text": "up and away", "label": "flying"}])
    assert refused(DATA, f"data.validation={rows}") == (
        "validation: expected the classes of task.labels or of the training rows, cooking, sailing; found flying "
        "(1 row); correct task.labels or the rows, or drop them. Did you mean sailing?"
    )
    command_line.rows("validation.csv", sentences(4))
    runs(f"data.validation={rows}")


def test_named_test_rows_without_labels(command_line, refused, runs):
    rows = command_line.rows("test.csv", [{"text": "up and away"}])
    assert refused(DATA, f"data.test={rows}") == "test: there is no column label, only text."
    command_line.rows("test.csv", sentences(2))
    runs(f"data.test={rows}")


def test_a_text_that_is_too_long(command_line, refused, runs):
    rows = command_line.rows("validation.csv", [*sentences(4), {"text": "soup " * 100, "label": "cooking"}])
    assert refused(DATA, f"data.validation={rows}", "data.truncation=false") == (
        "validation row 5: expected at most 64 tokens, found 102; shorten the text, raise data.max_length "
        "or set data.truncation to true"
    )
    runs(f"data.validation={rows}")
    report = json.loads((command_line.run_directory / "report.json").read_text())
    assert report["data"]["truncated_rows"] == {"validation": 1}
    assert "1" in (command_line.run_directory / "report.md").read_text()


# Models on disk.


@pytest.fixture
def model_directory(command_line, runs):
    """A small model that a run has saved, in a directory of its own."""
    runs()
    directory = command_line.folder / "mine"
    shutil.move(command_line.run_directory / "model", directory)
    shutil.rmtree(command_line.run_directory)
    return directory


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", None])
def test_weights_that_are_damaged(content, model_directory, refused, runs):
    weights = model_directory / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2] if content is None else content)
    settings = (f"model.name={model_directory}", "model.initialization=pretrained")
    message = refused(RECIPE, *settings)
    assert message.startswith("command line: model.name: the weights of mine are damaged: ")
    assert message.endswith("; fetch them again")
    weights.write_bytes(whole)
    runs(*settings)


@pytest.mark.parametrize("content", ["{}", "[]", '{"model": {"type": "WordPi'])
def test_a_tokenizer_that_is_damaged(content, model_directory, refused, runs):
    tokenizer = model_directory / "tokenizer.json"
    whole = tokenizer.read_text()
    tokenizer.write_text(content)
    message = refused(RECIPE, f"model.name={model_directory}")
    assert message.startswith("command line: model.name: ")
    assert "mine" in message
    tokenizer.write_text(whole)
    runs(f"model.name={model_directory}")


def test_a_model_with_fewer_embeddings_than_its_tokenizer_has_ids(model_directory, refused, runs):
    config = transformers.AutoConfig.from_pretrained(model_directory)
    config.vocab_size = 300
    torch.manual_seed(0)
    transformers.AutoModelForSequenceClassification.from_config(config).save_pretrained(model_directory)
    settings = (f"model.name={model_directory}", "model.initialization=pretrained")
    assert refused(RECIPE, *settings) == (
        "default: model.tokenizer: the tokenizer has ids up to 383, the model embeddings for 0 to 299; "
        "use the model's own tokenizer (remove model.tokenizer)"
    )
    runs()


def test_a_tokenizer_without_a_pad_token(command_line, refused, runs):
    directory = command_line.folder / "gpt2"
    words = ["<|endoftext|>", *sorted({word for row in sentences(20) for word in row["text"].split()})]
    tokenizer = Tokenizer(WordLevel({word: index for index, word in enumerate(words)}, unk_token="<|endoftext|>"))
    tokenizer.pre_tokenizer = Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|endoftext|>", unk_token="<|endoftext|>", model_max_length=32
    ).save_pretrained(directory)
    transformers.GPT2Config(vocab_size=len(words), n_positions=32, n_embd=16, n_layer=1, n_head=2).save_pretrained(
        directory
    )
    assert refused(RECIPE, f"model.name={directory}") == (
        "default: model.pad_token: this tokenizer has no token to pad with; name one in model.pad_token, "
        "e.g. <|endoftext|>"
    )
    runs(f"model.name={directory}", "model.pad_token=<|endoftext|>")
    assert transformers.AutoTokenizer.from_pretrained(command_line.run_directory / "model").pad_token == "<|endoftext|>"


# Training that goes wrong.


def test_a_run_that_diverges(command_line, refused):
    message = refused(OTHER, "training.learning_rate=1e30")
    assert message.startswith("training has diverged: loss is nan at step ")
    assert message.endswith("; lower training.learning_rate (1e+30) and choose another training.output_dir.")
    assert not (command_line.run_directory / "model").exists()


def test_a_run_whose_validation_diverges(command_line, refused):
    message = refused(OTHER, "training.learning_rate=1e30", "training.logging_steps=50")
    assert message.startswith("training has diverged: eval_loss is nan at step 5; lower training.learning_rate (1e+30)")


# Places to write to.


def test_an_output_directory_that_can_not_be_made(command_line, refused, runs):
    command_line.text("file", "")
    assert refused(OTHER, f"training.output_dir={command_line.folder}/file/run") == (
        "training.output_dir file/run can't be written (Not a directory); choose another one."
    )
    runs()


def test_an_output_directory_that_holds_something_else(command_line, refused, runs):
    command_line.run_directory.mkdir()
    thesis = command_line.run_directory / "thesis.tex"
    thesis.touch()
    assert refused(OTHER) == (
        "run is not empty and holds no run (found thesis.tex); choose another training.output_dir."
    )
    assert list(command_line.run_directory.iterdir()) == [thesis]
    thesis.unlink()
    runs()


@pytest.mark.parametrize("damage", ["weights", "model", "report", "recipe"])
def test_a_finished_run_that_was_damaged(damage, command_line, refused, runs):
    runs()
    if damage == "weights":
        (command_line.run_directory / "model" / "model.safetensors").write_bytes(b"")
        expected = "run/model: the model of a finished run can't be loaded ("
    elif damage == "model":
        shutil.rmtree(command_line.run_directory / "model")
        expected = "run/model: the model of a finished run can't be loaded (it is missing); "
    elif damage == "recipe":
        (command_line.run_directory / "recipe.yaml").write_text("modell: {}\nhop: 1\n")
        expected = "run holds a run whose recipe.yaml can't be read ("
    else:
        (command_line.run_directory / "report.json").write_text("{")
        expected = "run/report.json: expected a report, but it can't be read ("
    assert refused(OTHER).startswith(expected)


@contextmanager
def _mounted(folder, *options):
    """A small file system of its own at `folder`; skips the test where it can't be had."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _remount(folder, option):
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)


def test_a_read_only_output_directory(command_line, refused, runs):
    disk = command_line.folder / "disk"
    with _mounted(disk, "ro"):
        assert refused(OTHER, f"training.output_dir={disk}/run") == (
            "training.output_dir disk/run can't be written (Read-only file system); choose another one."
        )
        _remount(disk, "rw")
        assert command_line.finetune(f"training.output_dir={disk}/run").status == 0


def test_a_disk_that_is_too_small_is_refused_before_training(command_line, refused):
    disk = command_line.folder / "disk"
    with _mounted(disk, "size=1m"):
        message = refused(OTHER, f"training.output_dir={disk}/run", "training.num_train_epochs=3")
        assert message.startswith(
            "disk/run: the run needs an estimated 1.31 MB for its model and checkpoints and the disk has "
        )
        assert message.endswith("free; free space, choose another training.output_dir or training.save_strategy: no.")
        _remount(disk, "size=4m")
        assert command_line.finetune(f"training.output_dir={disk}/run", "training.num_train_epochs=3").status == 0


@pytest.mark.parametrize(
    ("size", "place", "checkpoints"),
    [
        ("8k", "disk/run: can't be written ", []),
        ("48k", "disk/run/checkpoints/checkpoint-5: the checkpoint could not be written ", []),
        ("448k", "disk/run/checkpoints/checkpoint-5: the checkpoint could not be written ", []),
        ("736k", "disk/run/checkpoints/checkpoint-10: the checkpoint could not be written ", ["checkpoint-5"]),
        ("1104k", "disk/run: can't be written ", ["checkpoint-10", "checkpoint-5"]),
    ],
)
def test_a_disk_that_fills_up(size, place, checkpoints, command_line, refused, monkeypatch):
    monkeypatch.setattr(run_module, "_check_space", lambda plan, path: None)
    disk = command_line.folder / "disk"
    settings = (f"training.output_dir={disk}/run", "training.num_train_epochs=2")
    with _mounted(disk, f"size={size}"):
        message = refused(OTHER, *settings)
        assert message.startswith(place)
        assert "free space and start the same command again" in message
        assert sorted(path.name for path in disk.glob("run/checkpoints/*")) == checkpoints
        _remount(disk, "size=4m")
        assert command_line.finetune(*settings).status == 0
        report = json.loads((disk / "run" / "report.json").read_text())
        assert report["training"]["resumed_from_step"] == (5 * len(checkpoints) or None)
        assert not list(disk.glob("run/.*"))


def test_a_finished_run_says_so_unless_its_rows_have_changed(command_line, caplog):
    assert command_line.finetune().status == 0
    assert command_line.finetune().status == 0
    assert caplog.messages[-1].endswith("this run was finished before; here is its result")
    command_line.rows("rows.csv", sentences(22))
    changed = command_line.finetune()
    assert changed.status == 1
    assert changed.said[-1].endswith(
        "holds a run on other rows: "
        f"{command_line.folder}/rows.csv has changed since it began. Choose another training.output_dir."
    )


# Being interrupted, in a process of its own.


@pytest.fixture
def interrupted(command_line):
    """A function that sends a long run a signal when it has a checkpoint; gives its exit code and stderr."""

    def interrupted(signal_number, *settings):
        command = [sys.executable, "-m", "hf_efficient", "finetune", str(command_line.recipe()), *settings]
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # A shell has its background jobs ignore Ctrl-C, and their children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            _wait_for(command_line.run_directory / "checkpoints" / "checkpoint-10" / "trainer_state.json", process)
            process.send_signal(signal_number)
            return process.wait(30), process.stderr.read()
        finally:
            process.kill()
            process.communicate()

    return interrupted


def _wait_for(path, process):
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


LONG = ("training.num_train_epochs=60", "training.save_total_limit=100")


@pytest.mark.slow
def test_ctrl_c_is_one_line_and_the_same_command_goes_on(command_line, interrupted, runs):
    status, said = interrupted(signal.SIGINT, *LONG)
    assert status == 130
    assert "Traceback" not in said
    assert said.endswith("\nerror: interrupted; the same command goes on from the newest checkpoint\n")
    runs(*LONG)
    report = json.loads((command_line.run_directory / "report.json").read_text())
    assert report["training"]["resumed_from_step"] >= 10
    assert report["training"]["steps"] == 300


@pytest.mark.slow
def test_a_terminated_run_goes_on(command_line, interrupted):
    status, _ = interrupted(signal.SIGTERM, *LONG)
    assert status != 0
    ending = command_line.finetune(*LONG)
    assert ending.status == 0
    report = json.loads((command_line.run_directory / "report.json").read_text())
    assert report["training"]["resumed_from_step"] is not None
    assert report["training"]["steps"] == 300
