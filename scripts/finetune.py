"""accelerate launch scripts/finetune.py RECIPE [key=value …]    the same as `hf-efficient finetune`."""

from __future__ import annotations

import sys

from hf_efficient.cli import run

if __name__ == "__main__":
    sys.exit(run(["finetune", *sys.argv[1:]]))
