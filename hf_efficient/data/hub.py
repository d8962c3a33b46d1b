"""The Hub where it answers, the local caches where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_TIMEOUT = 5.0
"""Seconds for the first answer."""


@cache
def hub_reachable() -> bool:
    """Whether the Hub gives any answer; asked once a process, without retries."""
    from huggingface_hub import constants, get_session

    if constants.is_offline_mode():
        return False
    try:
        get_session().head(constants.ENDPOINT, timeout=_TIMEOUT)
    except Exception:  # whatever it was, the caches are what is left
        return False
    return True


@contextmanager
def quick_to_fail() -> Iterator[None]:
    """Inside, a Hub that does not answer is not waited for; the libraries' own caches still serve.

    huggingface_hub 2.4 retries each file for 23 seconds and tells the screen each time, and transformers 5.23 asks for
    two files before it gives up. Its offline mode, which can only be set from the environment, answers at once.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not hub_reachable()
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
