"""What runs many runs: experiments whose arms are compared over several seeds."""

from hf_efficient.experiments.experiment import Cell, Experiment, load_experiment
from hf_efficient.experiments.runner import run_experiment

__all__ = ["Cell", "Experiment", "load_experiment", "run_experiment"]
