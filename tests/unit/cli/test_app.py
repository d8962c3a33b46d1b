from __future__ import annotations

import json
from types import ModuleType

import pytest

from hf_efficient import __version__
from hf_efficient.cli import app as module
from hf_efficient.cli.app import COMMANDS, run
from hf_efficient.errors import DataError


@pytest.fixture
def ending(monkeypatch):
    """A function that has every command end by raising an error."""

    def ending(error):
        def command():
            raise error

        stub = ModuleType("stub")
        for name in COMMANDS:
            setattr(stub, name, command)
        monkeypatch.setattr(module, "import_module", lambda name: stub)

    return ending


def test_validate_says_what_is_valid(capsys):
    assert run(["validate", "quickstart", "training.seed=1"]) == 0
    output = capsys.readouterr()
    assert output.out == "quickstart is valid: text-classification, model demo/minilm-l6, data demo/movie-sentiment\n"
    assert output.err == ""


def test_a_wrong_recipe_is_one_line_a_mistake(capsys):
    assert run(["validate", "quickstart", "training.lr=1", "training.sed=1"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == (
        "error: command line: training.lr is not a setting. Did you mean training.learning_rate?\n"
        "error: command line: training.sed is not a setting. Did you mean training.seed?\n"
    )


def test_a_recipe_for_the_command_line_names_its_data(tmp_path, capsys):
    recipe = tmp_path / "a.yaml"
    recipe.write_text("model: {name: m}\n")
    assert run(["validate", str(recipe)]) == 2
    assert capsys.readouterr().err == (
        f"error: {recipe}: data.name is missing; name a data set, or a file of rows in data.train.\n"
    )


def test_only_the_first_process_speaks(monkeypatch, capsys):
    monkeypatch.setenv("RANK", "1")
    assert run(["validate", "quickstart", "training.lr=1"]) == 2
    assert capsys.readouterr().err == ""


def test_the_schema_is_json(capsys):
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Recipe"


def test_the_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"hf-efficient {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_help_lists_every_command(arguments, capsys):
    assert run(arguments) == 0
    output = capsys.readouterr().out
    listed = [line.split()[0] for line in output.partition("Commands:\n")[2].splitlines() if line.startswith("  ")]
    assert [name for name in listed if name in COMMANDS] == list(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["validat", "x"], "validat is not a command. Did you mean validate?"),
        (["zzz"], f"zzz is not a command. The commands are {', '.join(COMMANDS)}."),
        (["validate"], "Missing argument 'RECIPE'."),
        (["validate", "--fast", "x"], "No such option: --fast"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, capsys):
    assert run(arguments) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_each_error_has_its_exit_code(ending, capsys):
    ending(DataError("rows.csv: empty"))
    assert run(["validate"]) == 3
    assert capsys.readouterr().err == "error: rows.csv: empty\n"


def test_an_interrupt_is_one_line(ending, capsys):
    ending(KeyboardInterrupt())
    assert run(["validate"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
    assert run(["experiment"]) == 130
    assert capsys.readouterr().err == "error: interrupted; the same command goes on from the newest checkpoint\n"


def test_a_mistake_of_ours_is_not_hidden(ending):
    ending(ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError, match="ours"):
        run(["validate"])


def test_main_exits_with_the_status(monkeypatch):
    monkeypatch.setattr("sys.argv", ["hf-efficient", "validate", "nowhere/x.yaml"])
    with pytest.raises(SystemExit) as caught:
        module.main()
    assert caught.value.code == 2
