"""Pipeline parallelism: what trains at these versions, and what does not. docs/scaling.md says what follows."""

from __future__ import annotations

import pytest
import torch
import torch.distributed
from torch import nn
from torch.distributed.pipelining import PipelineStage, Schedule1F1B
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers.distributed import DistributedConfig

from tests.processes import run_processes

VOCAB = 48
TOLERANCE = 1e-5


def language_model():
    """A tiny Llama of two layers, with the same weights at every call."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=VOCAB, tie_word_embeddings=False, use_cache=False, **sizes))


def steps():
    """The rows of three optimizer steps of four micro-batches of two."""
    return [torch.randint(4, VOCAB, (8, 6), generator=torch.Generator().manual_seed(i)) for i in range(3)]


def next_token_loss(logits, ids):
    return nn.functional.cross_entropy(logits[:, :-1].reshape(-1, VOCAB), ids[:, 1:].reshape(-1))


class Stage(nn.Module):
    """The layers of a Llama that one process holds: the first ones with the embeddings, or the last with the head."""

    def __init__(self, model: LlamaForCausalLM, rank: int, size: int) -> None:
        super().__init__()
        per_stage = len(model.model.layers) // size
        self.embed = model.model.embed_tokens if rank == 0 else nn.Identity()
        self.rotary = model.model.rotary_emb
        self.layers = model.model.layers[rank * per_stage : (rank + 1) * per_stage]
        self.head = nn.Sequential(model.model.norm, model.lm_head) if rank == size - 1 else nn.Identity()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = self.embed(inputs)
        positions = torch.arange(hidden.shape[1])[None]
        for layer in self.layers:
            hidden = layer(hidden, position_embeddings=self.rotary(hidden, positions), position_ids=positions)
        return self.head(hidden)


def one_process():
    model = language_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for ids in steps():
        loss = next_token_loss(model(input_ids=ids).logits, ids)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def one_stage():
    """Losses where this is the last stage, and the share of the parameters that it holds."""
    torch.distributed.init_process_group("gloo")
    rank, size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    model = language_model()
    module = Stage(model, rank, size)
    schedule = Schedule1F1B(
        PipelineStage(module, rank, size, torch.device("cpu")), n_microbatches=4, loss_fn=next_token_loss
    )
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3)
    found = []
    for ids in steps():
        losses = []
        if rank == 0:
            schedule.step(ids)
        else:
            schedule.step(target=ids, losses=losses)
        optimizer.step()
        optimizer.zero_grad()
        found += [torch.stack(losses).mean().item()] if losses else []
    count = [sum(p.numel() for p in part.parameters()) for part in (module, model)]
    return found, count[0] / count[1]


def test_torchs_own_pipeline_trains_as_one_process_does():
    first, last = run_processes(2, one_stage)
    assert first[0] == []
    assert last[0] == pytest.approx(one_process(), rel=TOLERANCE)
    assert first[1] == pytest.approx(0.5, abs=0.01)


def forward(folder):
    """The logits of a pipeline that transformers has made, and whether a loss on them would train anything here."""
    model = AutoModelForCausalLM.from_pretrained(folder, distributed_config=DistributedConfig(pp_size=2))
    logits = model(input_ids=steps()[0]).logits
    return logits.detach(), logits.requires_grad


def test_transformers_own_pipeline_only_runs_forward(tmp_path):
    """When the last line fails, transformers may train one: docs/scaling.md has a section to write anew."""
    model = language_model()
    model.save_pretrained(tmp_path)
    (first, first_trains), (last, _) = run_processes(2, forward, str(tmp_path))
    expected = model(input_ids=steps()[0]).logits.detach()
    torch.testing.assert_close(first, expected)
    torch.testing.assert_close(last, expected)
    assert not first_trains
