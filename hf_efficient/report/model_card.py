"""README.md of a run: the model card, with the metadata that the Hub reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from hf_efficient.assets import Asset
from hf_efficient.recipe.yaml import read_document
from hf_efficient.report.markdown import results_table, settings_rows
from hf_efficient.report.markup import key_values
from hf_efficient.report.summary import cost_rows, data_name, metric_names, row_counts, scored_splits
from hf_efficient.report.units import count, metric_label

Assets = Mapping[str, Asset]
"""The pinned assets among the model and the data, by name."""

MAX_LABELS = 20

_HUB = "https://huggingface.co/"
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_AVERAGING = re.compile(r"^entity_|_(macro|micro)$")
# What the pinned assets and most base models come under; the Hub refuses an identifier that it does not know.
_LICENSES = ("apache-2.0", "bsd-3-clause", "cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0", "gpl-3.0", "mit")


def model_card(report: Mapping[str, Any], recipe_text: str, assets: Assets) -> str:
    """The text of the model card; `recipe_text` is the resolved recipe."""
    recipe = read_document(recipe_text, "recipe.yaml").tree
    sections = {
        "Intended use": _intended_use(report),
        "How to use it": _usage(report, recipe),
        "Results": results_table(report),
        "Training": _training(report, recipe_text),
        "Data": _data(report, assets),
        "Limitations": _bullets(_limitations(report)),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    head = f"# {_model_name(report)}\n\n{_summary(report, recipe, assets)}"
    return str(ModelCard(f"---\n{_metadata(report, recipe, assets).to_yaml()}\n---\n\n{head}\n\n{body}\n"))


def _metadata(report: Mapping[str, Any], recipe: Mapping[str, Any], assets: Assets) -> ModelCardData:
    results = _eval_results(report, recipe, assets)
    dataset = _hub_name(report["data"]["name"], assets)
    licence, licence_name = _license(assets.get(report["model"]["name"]))
    return ModelCardData(
        library_name="transformers",
        pipeline_tag=report["task"]["type"],
        base_model=_base_model(report, recipe, assets),
        datasets=None if dataset is None else [dataset],
        metrics=list(dict.fromkeys(result.metric_type for result in results)) or None,
        tags=["hf-efficient"],
        model_name=_model_name(report) if results else None,
        eval_results=results or None,
        license=licence,
        license_name=licence_name,
    )


def _eval_results(report: Mapping[str, Any], recipe: Mapping[str, Any], assets: Assets) -> list[EvalResult]:
    """One result for each metric that has a value; the loss is no metric that the Hub could compare."""
    data = recipe.get("data") or {}
    return [
        EvalResult(
            task_type=report["task"]["type"],
            dataset_type=_hub_name(report["data"]["name"], assets) or "custom",
            dataset_name=data_name(report),
            dataset_config=data.get("config"),
            dataset_revision=data.get("revision"),
            dataset_split=split,
            metric_type=_AVERAGING.sub("", name),
            metric_name=metric_label(name),
            metric_value=report["metrics"][split][name],
        )
        for split in scored_splits(report)
        for name in metric_names(report)
        if name != "loss" and report["metrics"][split].get(name) is not None
    ]


def _license(base_model: Asset | None) -> tuple[str | None, str | None]:
    """The Hub's identifier of the base model's licence, and its name where the Hub has no identifier for it."""
    if base_model is None:
        return None, None
    identifier = base_model.licence.lower()
    return (identifier, None) if identifier in _LICENSES else ("other", base_model.licence)


def _base_model(report: Mapping[str, Any], recipe: Mapping[str, Any], assets: Assets) -> str | None:
    """The Hub name of the pretrained model, or None: not on the Hub, or weights drawn anew."""
    return None if _is_drawn_anew(recipe) else _hub_name(report["model"]["name"], assets)


def _is_drawn_anew(recipe: Mapping[str, Any]) -> bool:
    return (recipe.get("model") or {}).get("initialization") == "random"


def _hub_name(name: str | None, assets: Assets) -> str | None:
    """`user/name` of a repository on the Hub; None for local paths and for assets that come from elsewhere."""
    if name is None:
        return None
    if name in assets:
        origin = assets[name].origin
        return origin.removeprefix(_HUB) if origin.startswith(_HUB) else None
    return name if _HUB_NAME.fullmatch(name) and not Path(name).exists() else None


def _model_name(report: Mapping[str, Any]) -> str:
    return Path(report["output_dir"]).name or "model"


def _summary(report: Mapping[str, Any], recipe: Mapping[str, Any], assets: Assets) -> str:
    model = report["model"]
    base_model = _base_model(report, recipe, assets)
    source = f"[{base_model}]({_HUB}{base_model})" if base_model else f"`{model['name']}`"
    return (
        f"A `{model['class']}` with {count(model['parameters'])} parameters for {report['task']['type']}, trained from "
        f"{'random weights in the shape of ' if _is_drawn_anew(recipe) else ''}{source} "
        f"on `{data_name(report)}` with hf_efficient."
    )


def _intended_use(report: Mapping[str, Any]) -> str:
    task = report["task"]
    sample = _sample(task)
    purpose = {
        "single_label": f"It assigns exactly one of these labels to {sample}: {_labels(task)}.",
        "multi_label": f"It assigns any number of these labels to {sample}, none included: {_labels(task)}.",
        "regression": f"It gives a number for {sample}, on the scale of the values that it was trained on.",
        "tags": f"It assigns one of these labels to each word of a text: {_labels(task)}.",
        "entities": f"It finds entities in a text, marked by these labels of its words: {_labels(task)}.",
        "next_token": "It goes on with a text.",
        "generation": "It writes a text for a text, as in the pairs that it was trained on.",
    }[task["problem"]]
    kind = sample.partition(" ")[2]
    return (
        f"{purpose} Use it on {kind}s like those it was trained on, and measure it on your own before you rely on it."
    )


def _sample(task: Mapping[str, Any]) -> str:
    """What the model reads."""
    return "an image" if task["type"] == "image-classification" else "a text"


def _labels(task: Mapping[str, Any]) -> str:
    names = [f"`{name}`" for name in task["labels"][:MAX_LABELS]]
    more = len(task["labels"]) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _usage(report: Mapping[str, Any], recipe: Mapping[str, Any]) -> str:
    """Code that needs nothing but transformers, or peft where an adapter stayed one."""
    task, adapter = report["task"], report.get("adapter")
    if adapter is not None and not adapter["merged"]:
        return _adapter_usage(report["model"]["auto_model"])
    if task["type"] == "text2text-generation":
        return _generation_usage((recipe.get("task") or {}).get("prefix") or "")
    multi_label = task["problem"] == "multi_label"
    code = (
        "```python\nfrom transformers import pipeline\n\n"
        "# The name of this repository, or the directory model/ of the run.\n"
        f'predict = pipeline("{task["type"]}", model="user/name"{", top_k=None" if multi_label else ""})\n'
        f'predict("{"image.png" if _sample(task) == "an image" else "a text"}")\n```'
    )
    threshold = (recipe.get("task") or {}).get("threshold") if multi_label else None
    return code if threshold is None else f"{code}\n\nA label counts as predicted from a probability of {threshold} on."


def _adapter_usage(auto_model: str) -> str:
    return (
        f"```python\nfrom peft import PeftModel\nfrom transformers import {auto_model}\n\n"
        "# Two directories of the run.\n"
        f'model = PeftModel.from_pretrained({auto_model}.from_pretrained("base"), "adapter").eval()\n```'
    )


def _generation_usage(prefix: str) -> str:
    return (
        "```python\nfrom transformers import AutoModelForSeq2SeqLM, AutoTokenizer\n\n"
        "# The name of this repository, or the directory model/ of the run.\n"
        'tokenizer = AutoTokenizer.from_pretrained("user/name")\n'
        'model = AutoModelForSeq2SeqLM.from_pretrained("user/name")\n'
        f'ids = model.generate(**tokenizer({json.dumps(f"{prefix}a text", ensure_ascii=False)}, return_tensors="pt"))\n'
        "print(tokenizer.decode(ids[0], skip_special_tokens=True))\n```"
    )


def _training(report: Mapping[str, Any], recipe_text: str) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    rows = [*settings_rows(report), *cost_rows(report), ("Versions", versions)]
    return f"{key_values(rows)}\n\nThe whole recipe:\n\n{_fenced(recipe_text)}"


def _fenced(text: str) -> str:
    """A code block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}yaml\n{text.strip()}\n{fence}"


def _data(report: Mapping[str, Any], assets: Assets) -> str:
    rows = [("Name", f"`{data_name(report)}`"), ("Rows", row_counts(report))]
    asset = assets.get(report["data"]["name"])
    if asset is None:
        rows.append(("Licence", "not recorded; see where the data comes from"))
    else:
        rows += [("Licence", asset.licence), ("Origin", asset.origin), ("Citation", asset.citation)]
    return key_values(rows)


def _limitations(report: Mapping[str, Any]) -> list[str]:
    """What the figures do not show, as far as the report can tell."""
    facts = ["The scores come from one run with one seed; another seed gives somewhat other scores."]
    if "test" not in scored_splits(report):
        facts.append("There was no separate test split: settings or checkpoints chosen by these scores flatter them.")
    facts.append("Nothing is known about texts of other sources, subjects or languages than those of the data.")
    for split, number in report["data"]["truncated_rows"].items():
        if number:
            facts.append(f"{count(number)} {split} rows were longer than the model was given to read and were cut.")
    facts.append("Bias in the data, and in the weights that training began with, is in the model; it was not measured.")
    return facts


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
