"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excite and with ReLU6, which transformers does not have.

Tan and Le (2019), EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, table 1 (arXiv 1905.11946);
the blocks are those of MobileNetV2, Sandler et al. (2018), table 1 (arXiv 1801.04381).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModelForImageClassification, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import ImageClassifierOutputWithNoAttention


class EfficientNetLiteConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """Configuration of an EfficientNet-Lite; each list has one value a stage."""

    model_type = "efficientnet-lite"

    def __init__(
        self,
        num_channels: int = 3,
        stem_size: int = 32,
        hidden_sizes: tuple[int, ...] = (16, 24, 40, 80, 112, 192, 320),
        depths: tuple[int, ...] = (1, 2, 2, 3, 3, 4, 1),
        kernel_sizes: tuple[int, ...] = (3, 3, 5, 3, 5, 5, 3),
        strides: tuple[int, ...] = (1, 2, 2, 2, 1, 2, 1),
        expand_ratios: tuple[int, ...] = (1, 6, 6, 6, 6, 6, 6),
        head_size: int = 1280,
        classifier_dropout: float = 0.2,
        batch_norm_eps: float = 1e-3,
        batch_norm_momentum: float = 0.01,
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_channels = num_channels
        self.stem_size = stem_size
        self.hidden_sizes = list(hidden_sizes)
        self.depths = list(depths)
        self.kernel_sizes = list(kernel_sizes)
        self.strides = list(strides)
        self.expand_ratios = list(expand_ratios)
        self.head_size = head_size
        self.classifier_dropout = classifier_dropout
        self.batch_norm_eps = batch_norm_eps
        self.batch_norm_momentum = batch_norm_momentum
        self.initializer_range = initializer_range


class SamePadConv2d(nn.Conv2d):
    """A convolution whose output has ceil(size / stride) pixels a side: TensorFlow's `SAME`, odd pixels at the end."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Shapes: (images, channels, height, width) to (images, out_channels, ⌈height / stride⌉, ⌈width / stride⌉)."""
        height, width = (
            _padding(size, kernel, stride)
            for size, kernel, stride in zip(input.shape[-2:], self.kernel_size, self.stride, strict=True)
        )
        padded = functional.pad(input, (*width, *height)) if any((*width, *height)) else input
        return super().forward(padded)


def _padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Pixels before and after a side of `size` pixels."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class ConvNormLayer(nn.Sequential):
    """Convolution, batch normalisation and, unless it projects, ReLU6."""

    def __init__(
        self,
        config: EfficientNetLiteConfig,
        sizes: tuple[int, int],
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        *,
        activates: bool = True,
    ) -> None:
        norm = nn.BatchNorm2d(sizes[1], eps=config.batch_norm_eps, momentum=config.batch_norm_momentum)
        layers = [SamePadConv2d(*sizes, kernel, stride, groups=groups, bias=False), norm]
        super().__init__(*layers, *([nn.ReLU6()] if activates else []))


class InvertedResidual(nn.Module):
    """Expand, filter each channel by itself, project; added to its input where the shapes agree."""

    def __init__(
        self, config: EfficientNetLiteConfig, sizes: tuple[int, int], kernel: int, stride: int, expand_ratio: int
    ) -> None:
        super().__init__()
        size, out_size = sizes
        wide = size * expand_ratio
        self.adds = stride == 1 and size == out_size
        self.expand = ConvNormLayer(config, (size, wide)) if expand_ratio > 1 else nn.Identity()
        self.depthwise = ConvNormLayer(config, (wide, wide), kernel, stride, groups=wide)
        self.project = ConvNormLayer(config, (wide, out_size), activates=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """Shape (images, channels, height, width)."""
        projected: Tensor = self.project(self.depthwise(self.expand(hidden)))
        return hidden + projected if self.adds else projected


class EfficientNetLiteModel(nn.Module):
    """From pixels to one vector an image."""

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__()
        self.stem = ConvNormLayer(config, (config.num_channels, config.stem_size), kernel=3, stride=2)
        self.blocks = nn.ModuleList(_blocks(config))
        self.head = ConvNormLayer(config, (config.hidden_sizes[-1], config.head_size))

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Shapes: (images, channels, height, width) to (images, head_size)."""
        hidden = self.stem(pixel_values)
        for block in self.blocks:
            hidden = block(hidden)
        pooled: Tensor = self.head(hidden).mean(dim=(2, 3))
        return pooled


def _blocks(config: EfficientNetLiteConfig) -> Iterator[InvertedResidual]:
    size = config.stem_size
    stages = (config.hidden_sizes, config.depths, config.kernel_sizes, config.strides, config.expand_ratios)
    for out_size, depth, kernel, stride, expand_ratio in zip(*stages, strict=True):
        for index in range(depth):
            yield InvertedResidual(config, (size, out_size), kernel, stride if index == 0 else 1, expand_ratio)
            size = out_size


class EfficientNetLiteForImageClassification(PreTrainedModel):  # type: ignore[no-untyped-call]
    """EfficientNet-Lite with a linear head; saved and loaded as any model of transformers."""

    config_class = EfficientNetLiteConfig
    base_model_prefix = "efficientnet_lite"
    main_input_name = "pixel_values"

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__(config)
        self.num_labels: int = config.num_labels or 0
        self.efficientnet_lite = EfficientNetLiteModel(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.head_size, self.num_labels)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self, pixel_values: Tensor, labels: Tensor | None = None, return_dict: bool | None = None
    ) -> ImageClassifierOutputWithNoAttention | tuple[Tensor, ...]:
        """Logits (images, num_labels) of `pixel_values` (images, channels, height, width), and the labels' loss."""
        logits = self.classifier(self.dropout(self.efficientnet_lite(pixel_values)))
        loss = None if labels is None else self.loss_function(labels, logits, self.config)
        output = ImageClassifierOutputWithNoAttention(loss=loss, logits=logits)
        return output.to_tuple() if return_dict is False else output


AutoConfig.register(EfficientNetLiteConfig.model_type, EfficientNetLiteConfig)
AutoModelForImageClassification.register(EfficientNetLiteConfig, EfficientNetLiteForImageClassification)
