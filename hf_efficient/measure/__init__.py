"""Measured, never invented: time, throughput and memory of a run."""

from hf_efficient.measure.memory import PeakMemory, peak_memory
from hf_efficient.measure.stopwatch import Stopwatch

__all__ = ["PeakMemory", "Stopwatch", "peak_memory"]
