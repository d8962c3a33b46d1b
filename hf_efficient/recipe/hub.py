"""The `hub:` section."""

from __future__ import annotations

from pydantic import Field

from hf_efficient.recipe.section import Section


class Hub(Section):
    """Push the finished model. The token comes from the environment or the Hub's own store, never from here."""

    repo_id: str = Field(pattern=r"^[\w.-]+(/[\w.-]+)?$", examples=["user/name"])
    """Repository to push to, `user/name`; it is created if it does not exist."""
    private: bool = False
    """Create the repository private."""
    revision: str | None = None
    """Branch to push to; by default `main`."""
