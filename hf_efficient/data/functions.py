"""Functions of the user's own, named in a recipe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from hf_efficient.data.files import first_line
from hf_efficient.errors import PlanError, did_you_mean


def load_function(name: str, place: str) -> Callable[..., Any]:
    """The function that `package.module:function` names; modules of the working directory are found, too.

    Raises:
        PlanError: there is no such module or function.
    """
    module_name, _, function_name = name.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)  # a command does not look for modules where it is called
    try:
        module = import_module(module_name)
    except Exception as error:  # the user's code may raise anything
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise PlanError(
            f"{place}: {module_name} can't be imported ({reason}); write package.module:function."
        ) from error
    finally:
        sys.path.remove(here)
    function: Any = getattr(module, function_name, None)
    if not callable(function):
        hint = did_you_mean(function_name, dir(module))
        raise PlanError(f"{place}: {module_name} has no function {function_name}.{hint}")
    return function  # type: ignore[no-any-return]
