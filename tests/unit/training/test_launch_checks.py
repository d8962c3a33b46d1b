"""What a launcher was told, as it reaches the processes, and what the libraries would silently make of it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from hf_efficient.errors import PlanError
from hf_efficient.recipe import Recipe
from hf_efficient.training.arguments import training_arguments
from hf_efficient.training.launch_checks import Circumstances, check_distributed_config, check_launch
from hf_efficient.training.run_directory import RunDirectory

WORKER = {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "2"}
LONE_CPU = {"ACCELERATE_USE_CPU": "True"}
FSDP = {**WORKER, "ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT"}
DEEPSPEED = {**WORKER, "ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "2"}
PARALLELISM = {**FSDP, "ACCELERATE_USE_PARALLELISM_CONFIG": "true"}
TWO_MACHINES = {**WORKER, "GROUP_WORLD_SIZE": "2"}
SHARDED = {"model.initialization": "pretrained", "training.save_strategy": "no"}


def circumstances(environ, device="cuda", num_gpus=0, **settings):
    return Circumstances(environ, Recipe.load("smoke", settings), device, num_gpus)


@pytest.fixture
def _deepspeed(monkeypatch):
    monkeypatch.setattr("hf_efficient.training.launch_checks.find_spec", lambda name: object())


@pytest.mark.parametrize(
    ("environ", "device", "num_gpus"),
    [
        ({}, "cpu", 0),
        ({}, "cuda", 1),
        (LONE_CPU, "cpu", 0),
        ({"MASTER_ADDR": "node1"}, "cpu", 0),  # of a cluster's job, without any launcher
        ({**LONE_CPU, "MASTER_ADDR": "node1", "OMPI_COMM_WORLD_SIZE": "2"}, "cpu", 0),  # accelerate launch by mpirun
        (WORKER, "cpu", 0),
        (WORKER, "cuda", 8),
        (FSDP, "cuda", 8),
        (DEEPSPEED, "cuda", 8),
        ({**PARALLELISM, "PARALLELISM_CONFIG_DP_REPLICATE_SIZE": "2"}, "cuda", 8),
        ({**FSDP, "WORLD_SIZE": "1", "FSDP_OFFLOAD_PARAMS": "true"}, "cuda", 1),
        ({**DEEPSPEED, "WORLD_SIZE": "1", "ACCELERATE_DEEPSPEED_OFFLOAD_OPTIMIZER_DEVICE": "cpu"}, "cuda", 1),
        ({**DEEPSPEED, "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "1"}, "cuda", 8),
        ({**WORKER, "ACCELERATE_DYNAMO_BACKEND": "NO"}, "cuda", 8),
    ],
)
@pytest.mark.usefixtures("_deepspeed")
def test_a_launch_that_is_what_it_says_passes(environ, device, num_gpus):
    check_launch(circumstances(environ, device, num_gpus))


@pytest.mark.parametrize(
    ("environ", "device", "num_gpus", "said"),
    [
        ({**LONE_CPU, "MASTER_ADDR": "127.0.0.1"}, "cpu", 0, "several processes and has started one"),
        # MULTI_CPU without use_cpu.
        ({"ACCELERATE_USE_CPU": "False", "MASTER_ADDR": "127.0.0.1"}, "cpu", 0, "several processes and has started"),
        ({}, "cuda", 4, "one process sees 4 GPUs"),
        ({"ACCELERATE_USE_CPU": "False"}, "cuda", 2, "one process sees 2 GPUs"),
        (FSDP, "cpu", 0, "on a CPU silently leaves the whole model on each process"),
        ({**FSDP, "WORLD_SIZE": "1"}, "cuda", 1, "told to use FSDP with one process"),
        (
            {**FSDP, "FSDP_STATE_DICT_TYPE": "SHARDED_STATE_DICT"},
            "cuda",
            8,
            "SHARDED_STATE_DICT, with which the Trainer saves no model",
        ),
        (DEEPSPEED, "cpu", 0, "which needs a GPU here"),
        ({**DEEPSPEED, "WORLD_SIZE": "1"}, "cuda", 1, "with one process and no offloading"),
        (
            {**DEEPSPEED, "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "4"},
            "cuda",
            8,
            "gradient_accumulation_steps is 1, and accelerate launch was told 4",
        ),
        (
            {**DEEPSPEED, "ACCELERATE_GRADIENT_CLIPPING": "0.5"},
            "cuda",
            8,
            "max_grad_norm is 1.0, and accelerate launch was told 0.5",
        ),
        ({**PARALLELISM, "PARALLELISM_CONFIG_TP_SIZE": "2"}, "cuda", 8, "model.distributed_config.tp_size"),
        ({**PARALLELISM, "PARALLELISM_CONFIG_CP_SIZE": "2"}, "cuda", 8, "cuts rows over processes"),
        ({**WORKER, "ACCELERATE_USE_MEGATRON_LM": "true"}, "cuda", 8, "a loop of its own"),
        ({**WORKER, "ACCELERATE_DYNAMO_BACKEND": "INDUCTOR"}, "cuda", 8, "training.torch_compile_backend: inductor"),
    ],
)
@pytest.mark.usefixtures("_deepspeed")
def test_what_would_be_something_else_is_refused_in_one_line(environ, device, num_gpus, said):
    with pytest.raises(PlanError, match=said) as caught:
        check_launch(circumstances(environ, device, num_gpus))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(find_spec("deepspeed") is not None, reason="DeepSpeed is installed")
def test_deepspeed_that_is_not_installed_is_refused():
    with pytest.raises(PlanError, match="pip install deepspeed"):
        check_launch(circumstances(DEEPSPEED))


@pytest.mark.parametrize(
    ("settings", "device", "said"),
    [
        ({"training.fsdp": True}, "cpu", "overrides: training.fsdp is set, which on a CPU"),
        (
            {"training.fsdp": True, "training.fsdp_config": {"state_dict_type": "SHARDED_STATE_DICT"}},
            "cuda",
            "training.fsdp is set with state_dict_type SHARDED_STATE_DICT",
        ),
        ({"training.deepspeed": "zero.json"}, "cpu", "overrides: training.deepspeed is set, which needs a GPU"),
        ({"training.accelerator_config": {"split_batches": True}}, "cuda", "split_batches would change which rows"),
        ({"training.accelerator_config": {"dispatch_batches": True}}, "cuda", "dispatch_batches would change"),
        ({"training.accelerator_config": "a.json"}, "cuda", "write its settings here, found the file a.json"),
        (
            {"training.accelerator_config": {"gradient_accumulation_kwargs": {"num_steps": 2}}},
            "cuda",
            "num_steps is training.gradient_accumulation_steps",
        ),
    ],
)
def test_what_a_recipe_asks_of_accelerate_is_refused_likewise(settings, device, said):
    with pytest.raises(PlanError, match=said):
        check_launch(circumstances(WORKER, device, **settings))


@pytest.mark.parametrize(
    ("settings", "environ"), [({}, FSDP), ({**SHARDED, "model.distributed_config.fsdp_size": 2}, WORKER)]
)
def test_a_model_that_is_shared_is_not_fitted_as_if_it_were_whole(settings, environ):
    auto = {"training.per_device_train_batch_size": "auto", "training.effective_batch_size": 8}
    check_launch(circumstances(WORKER, **auto))
    with pytest.raises(PlanError, match="auto fits the whole model into each process"):
        check_launch(circumstances(environ, **auto, **settings))


def test_a_recipe_that_compiles_may_be_launched_so():
    environ = {**WORKER, "ACCELERATE_DYNAMO_BACKEND": "INDUCTOR"}
    check_launch(circumstances(environ, **{"training.torch_compile": True}))


@pytest.mark.parametrize(
    ("sizes", "environ", "device", "said"),
    [
        ({"fsdp_size": 2}, {}, "cpu", "its sizes need 2 processes, found 1"),
        ({"fsdp_size": 2, "tp_size": 2}, WORKER, "cuda", "its sizes need 4 processes, found 2"),
        ({"fsdp_size": 2, "dp_replicate_size": 2}, WORKER, "cuda", "its sizes need 4 processes, found 2"),
        ({"tp_size": 2}, WORKER, "cpu", "tp_size needs GPUs"),
        ({"fsdp_size": 2}, FSDP, "cuda", "would both shard the model"),
    ],
)
def test_a_model_is_cut_over_the_processes_that_there_are(sizes, environ, device, said):
    settings = {**SHARDED, **{f"model.distributed_config.{name}": size for name, size in sizes.items()}}
    with pytest.raises(PlanError, match=said):
        check_distributed_config(circumstances(environ, device, **settings))


def test_a_model_that_fits_its_launch_passes():
    check_distributed_config(circumstances({}, "cpu"))
    check_distributed_config(circumstances(WORKER, "cpu", **SHARDED, **{"model.distributed_config.fsdp_size": 2}))
    check_distributed_config(circumstances(WORKER, "cuda", **SHARDED, **{"model.distributed_config.tp_size": 2}))


@pytest.mark.parametrize(
    ("address", "environ", "device", "passes"),
    [
        ("127.0.0.1", TWO_MACHINES, "cpu", False),
        ("192.0.2.1", TWO_MACHINES, "cpu", False),  # nobody's: kept for examples
        ("127.0.0.1", {**TWO_MACHINES, "GLOO_SOCKET_IFNAME": "eth0"}, "cpu", True),
        ("127.0.0.1", TWO_MACHINES, "cuda", True),  # NCCL looks for an interface itself
        ("127.0.0.1", WORKER, "cpu", True),
    ],
)
def test_a_machine_that_others_could_not_find_is_refused(address, environ, device, passes, monkeypatch):
    monkeypatch.setattr("socket.gethostbyname", lambda name: address)
    if passes:
        check_launch(circumstances(environ, device))
        return
    with pytest.raises(PlanError, match="set GLOO_SOCKET_IFNAME"):
        check_launch(circumstances(environ, device))


def test_processes_that_do_not_find_each_other_end_in_one_line(tmp_path, monkeypatch):
    def fail(**arguments):
        raise RuntimeError("Gloo connectFullMesh failed\nframe #0")

    monkeypatch.setattr("hf_efficient.training.arguments.TrainingArguments", fail)
    with pytest.raises(PlanError, match=r"connectFullMesh failed; .*GLOO_SOCKET_IFNAME") as caught:
        training_arguments(Recipe.load("smoke"), RunDirectory(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_run_that_was_sharded_is_scored_by_one_process(tmp_path):
    recipe = Recipe.load("smoke", {"training.fsdp": True, "training.fsdp_config": {"version": 2}})
    args, _, _ = training_arguments(recipe, RunDirectory(tmp_path), trains=False)
    assert not args.fsdp
