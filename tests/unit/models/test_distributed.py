from __future__ import annotations

import pytest
import transformers

from hf_efficient.errors import PlanError
from hf_efficient.models.distributed import check_tied_weights, cut_over_processes, layer_plan
from hf_efficient.recipe.model import DistributedConfigSection
from tests.tiny import MODELS, SEQ2SEQ_MODELS

LAYERS = {
    "bert": ["bert.encoder.layer.*"],
    "distilbert": ["distilbert.transformer.layer.*"],
    "t5": ["encoder.block.*", "decoder.block.*"],
    "bart": ["model.encoder.layers.*", "model.decoder.layers.*"],
}


@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_of_a_stack_is_sharded_by_itself(name):
    model = MODELS[name](num_labels=2) if name in MODELS else SEQ2SEQ_MODELS[name](0.0)
    assert layer_plan(model) == dict.fromkeys(LAYERS[name], "free_full_weight")


def test_a_model_that_is_not_cut_is_loaded_as_ever():
    assert cut_over_processes(DistributedConfigSection(), None, None) == {}


def test_sizes_reach_transformers():
    config = MODELS["bert"](num_labels=2).config
    sizes = DistributedConfigSection(fsdp_size=4, dp_replicate_size=3, tp_size=2)
    told = cut_over_processes(sizes, transformers.AutoModelForSequenceClassification, config)["distributed_config"]
    assert (told.fsdp_size, told.dp_replicate_size, told.tp_size) == (4, 3, 2)
    assert told.fsdp_plan == {"bert.encoder.layer.*": "free_full_weight"}


def test_tied_weights_that_do_not_divide_are_refused():
    model = SEQ2SEQ_MODELS["t5"](0.0)  # 48 tokens
    check_tied_weights(model, DistributedConfigSection(fsdp_size=3), "here")
    with pytest.raises(
        PlanError, match=r"here: .* is tied to shared.weight, whose 48 rows don't divide by fsdp_size 5"
    ):
        check_tied_weights(model, DistributedConfigSection(fsdp_size=5), "here")
    check_tied_weights(MODELS["bert"](num_labels=3), DistributedConfigSection(fsdp_size=2), "here")  # nothing is tied
