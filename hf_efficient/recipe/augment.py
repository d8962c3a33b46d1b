"""The `augment:` section."""

from __future__ import annotations

from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from hf_efficient.recipe import augment_images as images
from hf_efficient.recipe.section import Section, alternatives


class RandomSwap(Section):
    """Two words change places, again and again (EDA, Wei & Zou 2019, arXiv 1901.11196)."""

    share: float = Field(default=0.1, ge=0.0, le=1.0)
    """Swaps for each word of the row."""


class Augment(Section):
    """More training rows out of those there are: each augmenter that is named is on."""

    copies: int = Field(default=1, ge=1)
    """Views made of each row."""
    originals: bool = True
    """Train on the rows themselves, too; without them an epoch has only views, which for images is the default."""
    views: Literal["fresh", "fixed"] = "fresh"
    """`fresh` draws the views of each epoch anew; `fixed` draws them once."""
    control: bool = False
    """Leave the views unchanged: the same number of rows and steps without augmentation, to compare with."""

    random_swap: RandomSwap | None = None
    """Texts: two words change places."""

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
        return {name: value for name, value in self if isinstance(value, RandomSwap)}

    @property
    def image_augmenters(self) -> dict[str, images.ImageAugmenter]:
        """The changes of images that are on, by their names."""
        return {name: value for name, value in self if isinstance(value, images.ImageAugmenter)}

    @model_validator(mode="before")
    @classmethod
    def _images_come_as_views(cls, words: Any) -> Any:
        if isinstance(words, dict) and any(words.get(name) is not None for name in IMAGE_AUGMENTERS):
            return {"originals": False, **words}
        return words

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not (self.text_augmenters or self.image_augmenters):
            raise ValueError("name an augmenter, such as random_swap: {}")
        return self


def _is_of_images(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, images.ImageAugmenter)


IMAGE_AUGMENTERS: Final = tuple(
    name for name, field in Augment.model_fields.items() if any(map(_is_of_images, alternatives(field.annotation)))
)
"""Names of all changes of images."""
