"""The `augment:` section."""

from __future__ import annotations

from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from hf_efficient.recipe import augment_images as images
from hf_efficient.recipe import augment_models as models
from hf_efficient.recipe import augment_texts as texts
from hf_efficient.recipe.augment_texts import TEXT_AUGMENTERS
from hf_efficient.recipe.section import Section, alternatives


class Augment(Section):
    """More training rows out of those there are: each augmenter that is named is on; of texts, each view takes one."""

    copies: int = Field(default=1, ge=1)
    """Views made of each row."""
    originals: bool = True
    """Train on the rows themselves, too; without them an epoch has only views, which for images is the default."""
    below_class_size: int | None = Field(default=None, ge=2)
    """Balance instead: make views of the classes that have fewer rows than this only, and as many as they lack."""
    views: Literal["fresh", "fixed"] = "fresh"
    """`fresh` draws the views of each epoch anew; `fixed` draws them once."""
    control: bool = False
    """Leave the views unchanged: the same number of rows and steps without augmentation, to compare with."""
    keep_label: models.KeepLabel | None = None
    """Drop views of texts that a fine-tuned model takes for another class than it takes their row for."""
    consistency: models.Consistency | None = None
    """Learn from `data.unlabelled`, too: a text and its view get the same prediction."""

    synonym: texts.Synonym | None = None
    """Texts: words give way to synonyms."""
    random_swap: texts.RandomSwap | None = None
    """Texts: two words change places."""
    random_delete: texts.RandomDelete | None = None
    """Texts: words are left out."""
    random_insert: texts.RandomInsert | None = None
    """Texts: synonyms come in."""
    sentence_reorder: texts.SentenceReorder | None = None
    """Texts: sentences change places."""
    spelling: texts.Spelling | None = None
    """Texts: words are misspelt."""
    keyboard: texts.Keyboard | None = None
    """Texts: fingers slip."""
    nlpaug: texts.Nlpaug | None = None
    """Texts: an augmenter of nlpaug."""
    function: texts.Function | None = None
    """Texts: a function of the user's."""
    contextual: models.Contextual | None = None
    """Texts: some words are filled in anew by a masked language model."""
    back_translation: models.BackTranslation | None = None
    """Texts: translated into another language and back."""
    paraphrase: models.Paraphrase | None = None
    """Texts: said in other words by a model."""

    crop: images.Crop | None = None
    """Images: a part, brought to the size of the whole."""
    flip: images.Flip | None = None
    """Images: mirrored."""
    rotation: images.Rotation | None = None
    """Images: turned."""
    affine: images.Affine | None = None
    """Images: turned, moved, scaled and sheared."""
    perspective: images.Perspective | None = None
    """Images: as if seen from aside."""
    rand_augment: images.RandAugment | None = None
    """Images: some operations of a fixed list at one strength."""
    trivial_augment: images.TrivialAugment | None = None
    """Images: one operation of a fixed list at any strength."""
    color_jitter: images.ColorJitter | None = None
    """Images: other brightness, contrast, saturation and hue."""
    blur: images.Blur | None = None
    """Images: blurred."""
    noise: images.Noise | None = None
    """Images: with noise."""
    erasing: images.Erasing | None = None
    """Images: a rectangle erased."""
    mixup: images.MixUp | None = None
    """Images: blended with another row's, labels likewise."""
    cutmix: images.CutMix | None = None
    """Images: a rectangle of another row's put in, labels mixed likewise; beside `mixup` one of both is drawn."""

    @property
    def text_augmenters(self) -> dict[str, Section]:
        """The augmenters of texts that are on, by their names."""
        return {name: value for name, value in self if name in TEXT_AUGMENTERS and value is not None}

    @property
    def image_augmenters(self) -> dict[str, images.ImageAugmenter]:
        """The changes of images that are on, by their names."""
        return {name: value for name, value in self if isinstance(value, images.ImageAugmenter)}

    @model_validator(mode="before")
    @classmethod
    def _images_come_as_views(cls, words: Any) -> Any:
        if not isinstance(words, dict) or words.get("below_class_size") is not None:
            return words
        of_images = any(words.get(name) is not None for name in IMAGE_AUGMENTERS)
        return {"originals": False, **words} if of_images else words

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not (self.text_augmenters or self.image_augmenters):
            raise ValueError("name an augmenter, such as random_swap: {}")
        return self

    @model_validator(mode="after")
    def _balances(self) -> Self:
        if self.below_class_size is not None and not self.originals:
            raise ValueError("below_class_size adds views to the rows of small classes; take originals: false out")
        return self


def _is_of_images(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, images.ImageAugmenter)


IMAGE_AUGMENTERS: Final = tuple(
    name for name, field in Augment.model_fields.items() if any(map(_is_of_images, alternatives(field.annotation)))
)
"""Names of all changes of images."""
