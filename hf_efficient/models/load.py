"""Weights and their tokenizer, ready to be fine-tuned, from the Hub, a directory or a pinned asset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer

from hf_efficient.data.hub import quick_to_fail
from hf_efficient.errors import PlanError, RecipeError, did_you_mean
from hf_efficient.models import efficientnet_lite  # noqa: F401 (registers itself with the auto classes)
from hf_efficient.models.checks import check_embeddings, max_length_of, set_pad_token
from hf_efficient.models.distributed import check_tied_weights, cut_over_processes, draw_whole
from hf_efficient.models.image_processor import check_images, set_image_size
from hf_efficient.models.quantization import quantized, same_in_evaluation
from hf_efficient.models.student import chosen_layers, student_of

if TYPE_CHECKING:
    from transformers import BaseImageProcessor, PreTrainedModel, PreTrainedTokenizerBase

    from hf_efficient.recipe.data import DataSection
    from hf_efficient.recipe.distill import FromTeacher
    from hf_efficient.recipe.model import ModelSection
    from hf_efficient.tasks.base import Task

Place = Callable[[str], str]


@dataclass(frozen=True)
class Loaded:
    """A model, and what the user should know about where its weights came from."""

    model: PreTrainedModel
    notes: tuple[str, ...] = ()

    def cut(self, section: FromTeacher, processing_class: Any) -> Loaded:
        """The smaller model that starts from a part of this one.

        Raises:
            PlanError: it has no such part.
        """
        wishes = {name: getattr(section, name) for name in type(section).model_fields}
        model = student_of(self.model, **wishes)
        _drop_inputs(model, processing_class)
        there_are = self.model.config.num_hidden_layers
        layers = ", ".join(str(number) for number in chosen_layers(section.layers, there_are))
        note = f"the student starts from layers {layers} of the teacher's {there_are}"
        return replace(self, model=model, notes=(*self.notes, note))


def takes_images(auto_model: str) -> bool:
    """Whether the models of a transformers auto class are fed images rather than tokens."""
    return "Image" in auto_model


def load_processing_class(
    section: ModelSection, auto_model: str, place: Place, *, image_size: int | None = None
) -> PreTrainedTokenizerBase | BaseImageProcessor:
    """What makes a model's inputs: its image processor, set to `image_size`, or its tokenizer.

    Raises:
        RecipeError, PlanError: there is none, or it can't be loaded.
    """
    if not takes_images(auto_model):
        return load_tokenizer(section, place)
    processor = load_image_processor(section, place)
    if image_size is not None:
        set_image_size(processor, image_size)
    return processor


def encoding_limits(
    task: Task, config: Any, processing_class: Any, data: DataSection, place: Place, *, virtual_tokens: int = 0
) -> dict[str, Any]:
    """How long an encoded row may be, and whether longer ones are cut; nothing for images.

    Raises:
        PlanError: as `max_length_of`.
    """
    if takes_images(task.auto_model):
        return {}
    max_length = max_length_of(config, processing_class, data.max_length, place, virtual_tokens=virtual_tokens)
    return {"max_length": max_length, "truncation": data.truncation}


def load_image_processor(section: ModelSection, place: Place) -> BaseImageProcessor:
    """The model's image processor.

    Raises:
        RecipeError: there is no such model.
        PlanError: the model has no image processor, or one that can't be loaded.
    """
    where = place("model.name")
    location = located(section.name, where)
    if Path(location).is_dir() and not (Path(location) / "preprocessor_config.json").is_file():
        raise PlanError(f"{where}: {section.name} holds no image processor: there is no preprocessor_config.json")
    options = {"revision": section.revision, "trust_remote_code": section.trust_remote_code}
    with explained(section.name, where):
        processor: BaseImageProcessor = read_image_processor(location, **options)
    return processor


def read_image_processor(location: str | Path, **options: Any) -> Any:
    """An image processor in its pillow form, which needs no torchvision, and gives the same pixels beside it."""
    return AutoImageProcessor.from_pretrained(location, backend="pil", **options)  # type: ignore[no-untyped-call]


def load_tokenizer(section: ModelSection, place: Place) -> PreTrainedTokenizerBase:
    """The model's tokenizer, or the one that `model.tokenizer` names, with a token to pad with.

    Raises:
        RecipeError: there is no such tokenizer.
        PlanError: it can't be loaded, or has no pad token.
    """
    setting = "model.name" if section.tokenizer is None else "model.tokenizer"
    name = section.tokenizer or section.name
    with explained(name, place(setting)):
        tokenizer = _load_tokenizer(section, name, place(setting))
    if len(tokenizer) <= len(tokenizer.all_special_ids):  # transformers 5.23 makes an empty one where files are missing
        raise RecipeError(f"{place(setting)}: {name} holds no tokenizer; name one in model.tokenizer")
    set_pad_token(tokenizer, section.pad_token, place("model.pad_token"))
    return tokenizer


def _load_tokenizer(section: ModelSection, name: str, place: str) -> PreTrainedTokenizerBase:
    location = located(name, place)
    revision = section.revision if section.tokenizer is None else None
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            location, revision=revision, trust_remote_code=section.trust_remote_code
        )
    except (KeyError, TypeError) as error:  # what transformers 5.23 makes of a tokenizer.json that lacks its parts
        raise PlanError(f"{place}: the tokenizer of {name} is damaged ({error!r}); fetch it again") from error
    return tokenizer


def load_model(
    section: ModelSection,
    task: Task,
    processing_class: Any,
    place: Place,
    *,
    model: PreTrainedModel | None = None,
) -> Loaded:
    """The model with the task's head, in fp32; new weights come from torch's global generator, so seed it first.

    `model` stands in for the one that the section names; it is checked, and its weights are left as they are. The
    tokenizer will no longer make what the model does not take, such as segments.

    Raises:
        RecipeError: there is no such model, or its configuration has no such field.
        PlanError: it can't be loaded, or does not fit the tokenizer, the image processor or `model.config`.
    """
    loaded = Loaded(_adopt(model, task)) if model is not None else _load(section, task, place)
    if takes_images(task.auto_model):
        check_images(loaded.model, processing_class, place)
    else:
        _fit_to_tokenizer(loaded.model, processing_class, place)
    return loaded


def _fit_to_tokenizer(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, place: Place) -> None:
    check_embeddings(model, tokenizer, place("model.tokenizer"))
    _drop_inputs(model, tokenizer)
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id


def _drop_inputs(model: PreTrainedModel, processing_class: Any) -> None:
    """Have nothing made that the model does not take, such as segments."""
    taken = signature(model.forward).parameters
    processing_class.model_input_names = [name for name in processing_class.model_input_names if name in taken]


def _adopt(model: PreTrainedModel, task: Task) -> PreTrainedModel:
    """A model from Python, with the task's labels in its configuration.

    Raises:
        PlanError: it is in half precision, or its labels are not the data's.
    """
    halves = {str(p.dtype) for p in model.parameters() if p.is_floating_point() and p.dtype != torch.float32}
    if halves:
        raise PlanError(f"model= has weights in {', '.join(sorted(halves))}; pass model.float(): training needs fp32")
    owned, config = task.config(), model.config
    config_labels = {int(index): name for index, name in (config.id2label or {}).items()}
    if (expected := owned.get("num_labels", len(config_labels))) != len(config_labels):
        found = len(config_labels)
        raise PlanError(f"model= has {found} labels, the data has {expected}; give it num_labels={expected}")
    names = owned.get("id2label")
    unnamed = {index: f"LABEL_{index}" for index in range(len(config_labels))}
    if names is not None and config_labels not in (names, unnamed):
        raise PlanError(
            f"model= has the labels {', '.join(config_labels.values())}, and the data "
            f"{', '.join(names.values())}; give task.labels in the model's order, or the model id2label of the data"
        )
    for name, value in owned.items():
        setattr(config, name, value)
    return model


def _load(section: ModelSection, task: Task, place: Place) -> Loaded:
    auto_model = getattr(transformers, task.auto_model)
    location = located(section.name, place("model.name"))
    random_state = torch.get_rng_state()
    with explained(section.name, place("model.name")), quiet(local=Path(location).is_dir()):
        config = AutoConfig.from_pretrained(
            location, revision=section.revision, trust_remote_code=section.trust_remote_code
        )
        _configure(config, section, task, place)
        if section.initialization == "random":
            model = auto_model.from_config(config, dtype=torch.float32, trust_remote_code=section.trust_remote_code)
            return Loaded(model, (f"all weights of {section.name} are random: model.initialization says so",))
        model, info = auto_model.from_pretrained(
            location,
            config=config,
            revision=section.revision,
            trust_remote_code=section.trust_remote_code,
            dtype=torch.float32,  # by default a checkpoint keeps its own, and fp16 weights can't be trained
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **cut_over_processes(section.distributed_config, auto_model, config),
            **quantized(section.quantization, auto_model, config),
        )
    same_in_evaluation(model)
    check_tied_weights(model, section.distributed_config, place("model.distributed_config"))
    _refuse_other_shapes(section, model, info["mismatched_keys"], place)
    if section.distributed_config.num_processes > 1:
        drawn = {*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])}
        draw_whole(model, drawn, random_state)
    return Loaded(model, _notes(section.name, info))


def _configure(config: Any, section: ModelSection, task: Task, place: Place) -> None:
    """Put the recipe's and the task's fields into a model's configuration."""
    owned = task.config()
    known = {*config.to_dict(), *config.attribute_map} - {"transformers_version", "_name_or_path", "dtype"}
    for name, value in section.config.items():
        where = place(f"model.config.{name}")
        if name in owned:
            raise PlanError(f"{where}: the task sets {name} from the data; remove it")
        if name not in known:
            raise RecipeError(f"{where}: {name} is no field of {type(config).__name__}.{did_you_mean(name, known)}")
        try:
            setattr(config, name, value)
        except StrictDataclassError as error:
            raise RecipeError(f"{where}: {type(config).__name__} refuses {value!r}: {_said(error)}") from error
    for name, value in owned.items():
        setattr(config, name, value)


def _refuse_other_shapes(section: ModelSection, model: Any, mismatched: Any, place: Place) -> None:
    """A head of another size is drawn anew; a body of another size is a mistake in `model.config`."""
    for key, found, expected in sorted(mismatched):
        if key.startswith(f"{model.base_model_prefix}."):
            raise PlanError(
                f"{place('model.config')}: {key} has shape {tuple(found)} in {section.name} and {tuple(expected)} in "
                "the configuration; remove the fields that change it, or set model.initialization to random"
            )


def _notes(name: str, info: dict[str, Any]) -> tuple[str, ...]:
    mismatched = sorted(key for key, _, _ in info["mismatched_keys"])
    missing = sorted(set(info["missing_keys"]) - set(mismatched))
    notes = []
    if missing:
        notes.append(f"{name} has no weights for {_some(missing)}; they start random")
    if mismatched:
        notes.append(f"{name} has {_some(mismatched)} for another number of labels; they start random")
    return tuple(notes)


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:4]) + (f" and {len(keys) - 4} more" if len(keys) > 4 else "")


def located(name: str, place: str) -> str:
    """What transformers is to open: a directory, or a Hub name."""
    from hf_efficient.assets import is_asset, resolve

    if is_asset(name):
        return str(resolve(name))
    path = Path(name).expanduser()
    if (path / "model" / "config.json").is_file():
        return str(path / "model")  # a run directory
    if path.is_file():
        raise RecipeError(f"{place}: {name} is a file; expected a directory or a Hub name")
    if path.is_dir():
        if not (path / "config.json").is_file() and not (path / "tokenizer_config.json").is_file():
            raise RecipeError(f"{place}: {name} holds neither a model nor a tokenizer: there is no config.json")
        return str(path)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        siblings = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        raise RecipeError(f"{place}: there is no directory {name}.{did_you_mean(path.name, siblings)}")
    return name


@contextmanager
def explained(name: str, place: str) -> Iterator[None]:
    """Turn what transformers raises into one line."""
    try:
        with quick_to_fail():
            yield
    except SafetensorError as error:
        raise PlanError(f"{place}: the weights of {name} are damaged: {_said(error)}; fetch them again") from error
    except (OSError, ValueError, StrictDataclassError, ImportError) as error:
        raise _explanation(name, place, _said(error)) from error


def _explanation(name: str, place: str, said: str) -> Exception:
    if "custom code" in said:
        return RecipeError(f"{place}: {name} runs its own code; read it, then set model.trust_remote_code to true")
    if "couldn't connect" in said:
        return PlanError(
            f"{place}: {name} is no directory, is not in the cache, and the Hub can't be reached; run `hf download "
            f"{name} --local-dir DIR` on a machine that reaches it and name DIR, or use demo/minilm-l6"
        )
    if "is not a local folder" in said or "not a valid model identifier" in said:
        return RecipeError(
            f"{place}: there is no directory or Hub model {name}, or it is private: check the name, and log in with "
            "`hf auth login` if it needs a token"
        )
    return PlanError(f"{place}: {name} can't be loaded: {said}")


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


@contextmanager
def quiet(*, local: bool) -> Iterator[None]:
    """No tables of newly drawn weights on the screen (they become notes), nor bars for reading a local file."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    if local:
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
