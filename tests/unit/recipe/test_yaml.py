from __future__ import annotations

import pytest

from hf_efficient.errors import RecipeError
from hf_efficient.recipe.yaml import MAX_CHARACTERS, read_document, read_scalar, read_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-4", 0.0003),
        ("1e3", 1000.0),
        ("1E+2", 100.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0.25", -0.25),
        ("12", 12),
        ("+12", 12),
        ("-3", -3),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("nUll", "nUll"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("0o8", "0o8"),
        ("12:30:45", "12:30:45"),
        ("2001-12-14", "2001-12-14"),
        ("1e", "1e"),
        (".", "."),
        ("=", "="),
    ],
)
def test_scalars_follow_the_core_schema(text, value):
    read = read_scalar(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e999"])
def test_numbers_are_finite(text):
    with pytest.raises(ValueError, match="must be finite"):
        read_scalar(text)


def test_quotes_make_text():
    document = read_document("a: '1'\nb: \"no\"\nc: |\n  2\n", "x.yaml")
    assert document.tree == {"a": "1", "b": "no", "c": "2\n"}


def test_every_key_has_its_line():
    text = "# a recipe\na:\n  b: 1\n\n  c: [1, {d: 2}]\ne: {f: 3,\n  g: 4}\nh:\n"
    document = read_document(text, "x.yaml")
    assert document.tree == {"a": {"b": 1, "c": [1, {"d": 2}]}, "e": {"f": 3, "g": 4}, "h": None}
    assert document.lines == {
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "c"): 5,
        ("a", "c", "1", "d"): 5,
        ("e",): 6,
        ("e", "f"): 6,
        ("e", "g"): 7,
        ("h",): 8,
    }
    assert document.blank == {("h",)}


def test_keys_are_always_text():
    assert read_document("0: a\ntrue: b\nnull: c\n", "x.yaml").tree == {"0": "a", "true": "b", "null": "c"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.yaml is empty; "),
        ("# nothing\n", "x.yaml is empty; "),
        ("- a\n", "x.yaml:1: a recipe is a mapping of sections"),
        ("word\n", "x.yaml:1: a recipe is a mapping of sections"),
        ("---\n", "x.yaml:1: a recipe is a mapping of sections"),
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3: a stands here twice (see line 1)."),
        ("a:\n  b: 1\n  'b': 2\n", "x.yaml:3: a.b stands here twice (see line 2)."),
        ("a: 1\nb: .inf\n", "x.yaml:2: a number must be finite, found .inf."),
        ("a: [1, .nan]\n", "x.yaml:1: a number must be finite, found .nan."),
        ("a: " + "9" * 5000, "x.yaml:1: a number has at most 100 characters, found one of 5000."),
        ("a: !!python/object:os.system 1\n", "x.yaml:1: recipes take no YAML tags, found tag:yaml.org"),
        ("a: !!str 1\n", "x.yaml:1: recipes take no YAML tags"),
        ("a: !mine {}\n", "x.yaml:1: recipes take no YAML tags, found !mine;"),
        ("a: &x 1\nb: *x\n", "x.yaml:1: recipes take no YAML anchors or aliases, found &x;"),
        ("b: *x\n", "x.yaml:1: recipes take no YAML anchors or aliases, found *x;"),
        ("a: 1\n<<: *x\n", "x.yaml:2: recipes take no YAML anchors"),
        ("a:\n\tb: 1\n", "x.yaml:2: not valid YAML: a tab; indent with spaces."),
        ("a: b: c\n", "x.yaml:1: not valid YAML: mapping values are not allowed here."),
        ("a: [1\n", "not valid YAML: "),
        ("a: '1\n", "not valid YAML: "),
        ("a: 1\nb: \x07\n", "x.yaml:2: not valid YAML: the character U+0007."),
        ("? [a]\n: 1\n", "x.yaml:1: a key must be one word"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: a recipe is one YAML document"),
        ("%YAML 1.1\n---\na: no\n", "x.yaml:2: recipes are YAML 1.2"),
        ("a: " + "[" * 40 + "]" * 40, "x.yaml:1: a recipe is at most 32 levels deep."),
        ("a: " + "[" * 5000, "x.yaml:1: a recipe is at most 32 levels deep."),
        ("#" * (MAX_CHARACTERS + 1), "x.yaml:1: a recipe has at most 1,000,000 characters."),
    ],
)
def test_whatever_is_no_plain_mapping_is_refused_in_one_line(text, message):
    with pytest.raises(RecipeError) as caught:
        read_document(text, "x.yaml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_alias_bomb_is_refused_before_it_goes_off():
    bomb = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    with pytest.raises(RecipeError, match=r"^x\.yaml:1: recipes take no YAML anchors"):
        read_document(bomb, "x.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-4", 0.0003),
        (" 7 ", 7),
        ("no", "no"),
        ("", None),
        ("'3e-4'", "3e-4"),
        ('""', ""),
        ("[1, b, .5]", [1, "b", 0.5]),
        ("{a: 1e2, b: {c: null}}", {"a": 100.0, "b": {"c": None}}),
        ("C:\\runs # 1: x", "C:\\runs # 1: x"),
    ],
)
def test_values_of_a_command_line(text, value):
    assert read_value(text, "command line: x") == value


@pytest.mark.parametrize(
    "text", ["!!str 1", "&a 1", "*a", "| x", "> x", "%x", "@x", "`x", "[*a]", "{a: !x 1}", "[1", "'a' b", "1e999"]
)
def test_values_that_yaml_would_not_read_are_refused(text):
    with pytest.raises(RecipeError, match=r"^command line: x: [^\n]+\.$"):
        read_value(text, "command line: x")
