"""`python -m hf_efficient` is `hf-efficient`."""

from __future__ import annotations

from hf_efficient.cli import main

main()
