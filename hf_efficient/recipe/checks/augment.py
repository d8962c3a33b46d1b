"""What views of rows need of the task and of the other techniques."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hf_efficient.recipe.augment import IMAGE_AUGMENTERS
from hf_efficient.recipe.augment_models import OFFLINE
from hf_efficient.recipe.augment_texts import TEXT_AUGMENTERS, WORD_FOR_WORD
from hf_efficient.recipe.checks.conditions import classifies, is_language_model, labels_words, reads_images, reads_text
from hf_efficient.recipe.checks.need import Check, Complaint, Need

if TYPE_CHECKING:
    from hf_efficient.recipe.recipe import Recipe


def _translates_by_models(recipe: Recipe) -> bool:
    translation = None if recipe.augment is None else recipe.augment.back_translation
    return translation is None or translation.forward != OFFLINE


def _views_differ(recipe: Recipe) -> bool:
    """Whether something draws the views of a row."""
    augment = recipe.augment
    if augment is None or augment.control or augment.copies == 1:
        return True
    translation = augment.back_translation
    return translation is None or translation.temperature is not None or len(augment.text_augmenters) > 1


_OF_AUGMENTERS: Final = (
    *(
        Need(f"augment.{name}", reads_text, "it changes texts, and the task reads images; take it out")
        for name in TEXT_AUGMENTERS
    ),
    *(
        Need(f"augment.{name}", reads_images, "it changes images, and the task reads text; take it out")
        for name in IMAGE_AUGMENTERS
    ),
    *(
        Need(f"augment.{name}", lambda r: not is_language_model(r), "a language model learns each word that it reads")
        for name in TEXT_AUGMENTERS
    ),
    *(
        Need(
            f"augment.{name}",
            lambda r: not labels_words(r),
            f"each word has its label, which only {', '.join(WORD_FOR_WORD)} keep",
        )
        for name in TEXT_AUGMENTERS
        if name not in WORD_FOR_WORD
    ),
    *(
        Need(
            f"augment.back_translation.{name}",
            _translates_by_models,
            f"{OFFLINE} has no such setting; name a model in augment.back_translation.forward",
        )
        for name in ("backward", "language", "pivot_language", "num_beams", "temperature")
    ),
    *(
        Need(
            f"augment.{name}",
            lambda r: r.curriculum is None,
            "any row may be mixed in, those too that the curriculum holds back; take one out",
        )
        for name in ("mixup", "cutmix")
    ),
)

NEEDS: Final = (
    *_OF_AUGMENTERS,
    *(
        Need(f"augment.{name}", lambda r: reads_text(r) and classifies(r), "only texts of one class each have it")
        for name in ("keep_label", "consistency")
    ),
    Need("augment.consistency", lambda r: r.data.unlabelled is not None, "name rows in data.unlabelled"),
    Need(
        "augment.copies",
        lambda r: r.augment is None or r.augment.below_class_size is None,
        "augment.below_class_size decides how many views are made",
    ),
    Need(
        "augment.copies",
        _views_differ,
        "back_translation takes the likeliest words, so that all views of a row are the same; set its temperature, for "
        "which it needs models",
    ),
    Need("augment.below_class_size", classifies, "only rows with one label each have classes of a size"),
    Need(
        "augment.below_class_size",
        lambda r: r.task.class_weights != "balanced",
        "task.class_weights: balanced makes up for small classes already; take one out",
    ),
)


def _fresh_views(recipe: Recipe) -> Iterator[Complaint]:
    """Views of texts are made for each epoch before the run, whose number of epochs must be known by then."""
    augment = recipe.augment
    if recipe.training.max_steps < 1 or augment is None or augment.views == "fixed" or not augment.text_augmenters:
        return
    if recipe.prune is not None or recipe.batching.padding == "tokens":
        reason = "prune changes" if recipe.prune is not None else "batching.padding: tokens changes"
        yield (
            "training.max_steps",
            f"does not say for how many epochs to make views, for {reason} the steps of one; write "
            "training.num_train_epochs instead, or augment.views: fixed.",
        )


def _translation(recipe: Recipe) -> Iterator[Complaint]:
    """A model translates one way, or is told both languages."""
    translation = None if recipe.augment is None else recipe.augment.back_translation
    if translation is None or translation.forward == OFFLINE:
        return
    path = "augment.back_translation"
    given = {"language": translation.language, "pivot_language": translation.pivot_language}
    missing = [name for name, language in given.items() if language is None]
    if len(missing) == 1:
        (other,) = given.keys() - missing
        yield f"{path}.{other}", f"needs the other language, too: set {path}.{missing[0]}."
    elif missing and translation.backward is None:
        yield (
            f"{path}.forward",
            f"translates one way: name the model of the way back in {path}.backward, or, for one that knows both, set "
            f"{path}.language and {path}.pivot_language.",
        )


CHECKS: Final[tuple[Check, ...]] = (_fresh_views, _translation)
