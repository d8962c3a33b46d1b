"""Names that `training:` does not take, though Hugging Face has or had them, and what to write instead."""

from __future__ import annotations

from typing import Final

_HUB: Final = "the hub: section; write hub.repo_id to push the finished model"
_TOKEN: Final = "the environment or the Hub's own store; set HF_TOKEN or run `hf auth login`"
_PRECISION: Final = "training.precision; write auto, fp32, bf16, fp16 or tf32 there"
_ORDER: Final = "the run, which draws the order of the rows from training.seed and the epoch; take it out"
_REDUCTION: Final = "the trainer, which divides the loss once by the rows of all devices; take it out"
_METRICS: Final = "the task: section; name the metrics in task.metrics"
_COLUMNS: Final = "the data: section; name the columns in data.columns"
_COMMAND: Final = "the command line; run `hf-efficient finetune`, `evaluate` or `predict`"
_FIT: Final = "training.per_device_train_batch_size; write auto there, and training.effective_batch_size"
_LAUNCHER: Final = "the launcher; it is set by `accelerate launch` and `torchrun`"

OWNED: Final[dict[str, str]] = {
    "push_to_hub": _HUB,
    "hub_model_id": _HUB,
    "hub_private_repo": "the hub: section; write hub.private",
    "hub_revision": "the hub: section; write hub.revision",
    "hub_strategy": "the hub: section, which pushes once, after the local artefacts are safe",
    "hub_always_push": "the hub: section, which pushes once, after the local artefacts are safe",
    "hub_token": _TOKEN,
    "bf16": _PRECISION,
    "fp16": _PRECISION,
    "tf32": _PRECISION,
    "bf16_full_eval": _PRECISION,
    "fp16_full_eval": _PRECISION,
    "full_determinism": "training.deterministic; write true there",
    "average_tokens_across_devices": _REDUCTION,
    "auto_find_batch_size": _FIT,
    "train_sampling_strategy": _ORDER,
    "length_column_name": _ORDER,
    "remove_unused_columns": _COLUMNS,
    "label_names": "the data: section; name the label in data.columns.label",
    "prediction_loss_only": _METRICS,
    "batch_eval_metrics": _METRICS,
    "include_for_metrics": _METRICS,
    "eval_do_concat_batches": _METRICS,
    "eval_use_gather_object": _METRICS,
    "do_train": _COMMAND,
    "do_eval": _COMMAND,
    "do_predict": _COMMAND,
    "local_rank": _LAUNCHER,
    "parallelism_config": "the file that `accelerate launch --config_file` reads; write it there",
    "gradient_checkpointing": "training.activation_checkpointing, its new name; write true there",
    "gradient_checkpointing_kwargs": "training.activation_checkpointing_kwargs, its new name; write it there",
}
"""Name of a TrainingArguments field → who owns it here, and what to do."""

_NOTHING: Final = "nothing takes its place; take it out"
_BACKEND: Final = "set training.precision instead; torch's own mixed precision is the only backend"
_TPU: Final = "the launcher starts TPU processes; take it out"
_GROUPING: Final = "the run draws the order of the rows from training.seed and the epoch; take it out"

REMOVED: Final[dict[str, str]] = {
    "adafactor": "write training.optim: adafactor",
    "dispatch_batches": "write it under training.accelerator_config",
    "eval_batch_size": "write training.per_device_eval_batch_size",
    "evaluate_during_training": "write training.eval_strategy: steps",
    "evaluation_strategy": "write training.eval_strategy",
    "fp16_backend": _BACKEND,
    "fp16_opt_level": _BACKEND,
    "fsdp_min_num_params": "write min_num_params under training.fsdp_config",
    "fsdp_transformer_layer_cls_to_wrap": "write transformer_layer_cls_to_wrap under training.fsdp_config",
    "group_by_length": _GROUPING,
    "half_precision_backend": _BACKEND,
    "include_inputs_for_metrics": "name the metrics in task.metrics",
    "include_tokens_per_second": "write training.include_num_input_tokens_seen: all",
    "jit_mode_eval": _NOTHING,
    "logging_dir": "logs lie in training.output_dir; take it out",
    "mp_parameters": _NOTHING,
    "no_cuda": "write training.use_cpu: true",
    "overwrite_output_dir": "a run is never overwritten; choose another training.output_dir",
    "past_index": _NOTHING,
    "per_gpu_eval_batch_size": "write training.per_device_eval_batch_size",
    "per_gpu_train_batch_size": "write training.per_device_train_batch_size",
    "push_to_hub_model_id": "write hub.repo_id",
    "push_to_hub_organization": "write hub.repo_id: organization/name",
    "push_to_hub_token": "tokens come from the environment (HF_TOKEN) or the Hub's own store",
    "ray_scope": _NOTHING,
    "save_safetensors": "models are always saved as safetensors; take it out",
    "sharded_ddp": "write training.fsdp",
    "split_batches": "write it under training.accelerator_config",
    "torchdynamo": "write training.torch_compile_backend",
    "tpu_metrics_debug": "write training.debug: tpu_metrics_debug",
    "tpu_num_cores": _TPU,
    "use_ipex": _NOTHING,
    "use_legacy_prediction_loop": _NOTHING,
    "use_mps_device": "an Apple GPU is used if there is one; take it out",
    "warmup_ratio": "write training.warmup_steps with a value below 1",
    "xpu_backend": "write training.ddp_backend",
}
"""Name that an older transformers took → what to write now."""
