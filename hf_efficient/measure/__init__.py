"""Measured, never invented: time, throughput and memory of a run."""

from hf_efficient.measure.filling import filling, filling_time
from hf_efficient.measure.memory import PeakMemory, free_memory, peak_memory, resident_memory
from hf_efficient.measure.observer import Observer
from hf_efficient.measure.stopwatch import Stopwatch
from hf_efficient.measure.tensors import LiveBytes

__all__ = [
    "LiveBytes",
    "Observer",
    "PeakMemory",
    "Stopwatch",
    "filling",
    "filling_time",
    "free_memory",
    "peak_memory",
    "resident_memory",
]
