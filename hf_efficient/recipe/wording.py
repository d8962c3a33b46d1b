"""What a field expects and what was found, in words for messages."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hf_efficient.errors import did_you_mean
from hf_efficient.recipe.section import alternatives
from hf_efficient.recipe.yaml import read_scalar

_MANY: Final = 15
_NAMES: Final[dict[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    dict: "a mapping",
    list: "a list",
    Any: "any value",
}
_PLURALS: Final[dict[Any, str]] = {int: "whole numbers", float: "numbers", str: "words", list: "lists"}


def mismatch(field: FieldInfo, value: Any) -> str:
    """`must be a number above 0, found the word abc.`, with the nearest valid word if there is one."""
    return f"must be {expected(field)}, found {found(value, field)}.{_hint(value, words(field.annotation))}"


def _hint(value: Any, known: list[str]) -> str:
    """The valid word that the first invalid one in `value` begins, or else is nearest to."""
    candidates = value if isinstance(value, list) else [value]
    wrong = next((word for word in candidates if isinstance(word, str) and word and word not in known), None)
    if wrong is None:
        return ""
    longer = next((word for word in known if word.startswith(wrong)), None)
    return f" Did you mean {longer}?" if longer else did_you_mean(wrong, known)


def expected(field: FieldInfo) -> str:
    """The values that `field` takes: `a number of at least 0 and below 1`."""
    kinds = alternatives(field.annotation)
    if int in kinds and float in kinds:
        kinds = tuple(kind for kind in kinds if kind is not int)
    phrases = [_phrase(kind) for kind in kinds if kind is not NoneType]
    phrases[0] += _limits(field)
    return " or ".join([*phrases, *(["null"] if NoneType in kinds else [])])


def words(annotation: Any) -> list[str]:
    """The words among the values that an annotation allows."""
    if get_origin(annotation) is Literal:
        return [word for word in get_args(annotation) if isinstance(word, str)]
    return [word for member in get_args(annotation) for word in words(member)]


def found(value: Any, field: FieldInfo) -> str:
    """`value` as a message names it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return _found_text(value, field)
        case Sequence():
            return f"the list {_shortened(list(value))}"
    return f"the mapping {_shortened(value)}"


def _found_text(text: str, field: FieldInfo) -> str:
    if not text:
        return "an empty text"
    try:
        scalar = read_scalar(text)
    except ValueError:
        return f'the text "{_shortened(text)}"'
    if not isinstance(scalar, str) and str not in alternatives(field.annotation):
        return f'the text "{text}" in quotes; take the quotes away'
    return f"the word {_shortened(text)}" if text.isidentifier() else f'the text "{_shortened(text)}"'


def _phrase(kind: Any) -> str:
    origin = get_origin(kind) or kind
    if origin is Annotated:
        inner, limits = get_args(kind)
        return _phrase(inner) + _limits(limits)
    if origin is Literal:
        return _choices([str(choice).lower() if isinstance(choice, bool) else choice for choice in get_args(kind)])
    if origin is tuple or (origin is list and get_args(kind)):
        member, *others = get_args(kind)
        number = "" if Ellipsis in others or origin is list else f"{1 + len(others)} "
        return (
            f"a list of {number}{_PLURALS.get(member, 'such words' if get_origin(member) is Literal else 'mappings')}"
        )
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        return "a mapping of settings"
    return _NAMES[origin]


def _choices(choices: list[str]) -> str:
    choices = [choice for choice in choices if choice]
    if len(choices) > _MANY:
        return f"one of {len(choices)} words that `hf-efficient schema` lists"
    return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"


def _limits(field: FieldInfo) -> str:
    limits: list[str] = []
    for limit in field.metadata:
        match limit:
            case Ge(ge):
                limits.append(f"of at least {_round(ge)}")
            case Gt(gt):
                limits.append(f"above {_round(gt)}")
            case Le(le):
                limits.append(f"of at most {_round(le)}")
            case Lt(lt):
                limits.append(f"below {_round(lt)}")
            case MinLen():
                limits.append("that is not empty")
    if field.examples:
        limits.append(f"such as {field.examples[0]}")
    return f" {' and '.join(limits)}" if limits else ""


def _round(limit: Any) -> Any:
    return int(limit) if limit == int(limit) else limit


def _shortened(value: Any) -> str:
    text = str(value).replace("\n", " ")
    return text if len(text) <= 60 else f"{text[:57]}..."
