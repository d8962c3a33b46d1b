"""8-bit optimizers: each run's own settings."""

from __future__ import annotations

import sys


def forget_overrides() -> None:
    """Take back what bitsandbytes was told of the weights of earlier runs in this process.

    Transformers has it keep embeddings in 32 bits; bitsandbytes 0.50 notes that, in a global table, for a weight's
    position in the optimizer, so that whatever weight has this position in the next run would be kept so, too, and
    the earlier model stays in memory. What an optimizer has done by its first step is not touched.
    """
    if "bitsandbytes" in sys.modules:
        from bitsandbytes.optim.optimizer import GlobalOptimManager

        GlobalOptimManager.get_instance().initialize()  # type: ignore[no-untyped-call]
