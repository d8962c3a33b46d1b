"""The `data:` section."""

from __future__ import annotations

from pydantic import Field

from hf_efficient.recipe.section import Section


class Columns(Section):
    """Which column of the data set plays which part."""

    text: str | None = Field(default=None, min_length=1)
    """Text, or the first of a pair; by default the only column of strings, or one named `text` or `sentence`."""
    text_pair: str | None = Field(default=None, min_length=1)
    """Second text of a pair."""
    tokens: str | None = Field(default=None, min_length=1)
    """Words of a sentence, a list a row; by default `tokens` or `words`."""
    image: str | None = Field(default=None, min_length=1)
    """Image; by default the only column of images, or one named `image` or `img`."""
    label: str | tuple[str, ...] | None = Field(default=None, min_length=1)
    """Label; several columns of 0 and 1 make a multi-label problem. By default `label` or `labels`, of words `tags`."""
    target: str | None = Field(default=None, min_length=1)
    """Text that is to be generated; by default `target` or `summary`."""
    prompt: str | None = Field(default=None, min_length=1)
    """What a completion follows, as it is: a space between them belongs to either; by default `prompt`."""
    completion: str | None = Field(default=None, min_length=1)
    """What a language model learns to write after a prompt; by default `completion`."""
    messages: str | None = Field(default=None, min_length=1)
    """Conversations, of which a language model learns the assistant's turns; by default `messages`."""
    weight: str | None = Field(default=None, min_length=1)
    """Weight of each row in the loss."""


class DataSection(Section):
    """Which rows the model is trained and scored on."""

    name: str | None = Field(default=None, min_length=1)
    """Hub name, directory (saved by `datasets`, or of data files), file, or asset such as `demo/movie-sentiment`."""
    config: str | None = None
    """Name of the data set's configuration on the Hub, e.g. `sst2` of `glue`."""
    revision: str | None = None
    """Branch, tag or commit on the Hub."""
    train: str | None = None
    """Training rows: a split of `name`, or a file (csv, tsv, json, jsonl, parquet, txt); by default `train`."""
    validation: str | None = None
    """Rows scored during training: a split or a file. By default `validation`, else a share of the training rows."""
    test: str | None = None
    """Rows scored once, at the end: a split or a file. By default the split `test`, if there is one."""
    unlabelled: str | None = Field(default=None, min_length=1)
    """More training rows, for the teacher of `distill` to answer or for `augment.consistency`: a split of `name`, or a
    file, directory, Hub name or asset; labels among them are not looked at."""
    columns: Columns = Columns()
    """Which column plays which part."""
    validation_size: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Share of the training rows held out, stratified by label, where there is no validation split; 0 holds out
    none, for a run that scores nothing."""
    seed: int = Field(default=0, ge=0)
    """Seed of the held-out share, `fraction`, `limit` and `label_noise`; apart from `training.seed`, so that seeds
    share a split."""
    fraction: float = Field(default=1.0, gt=0.0, le=1.0)
    """Share of the training rows to use, stratified by label: start small."""
    limit: int | None = Field(default=None, ge=1)
    """Number of training rows to use at most, stratified by label."""
    label_noise: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of the training rows whose label is replaced by that of another class, drawn from `seed`: to see what wrong
    labels do to a way of training. Rows that are scored keep theirs."""
    streaming: bool = False
    """Read the training rows as they are needed, for data larger than memory or disk; needs `training.max_steps`."""
    shuffle_buffer: int = Field(default=10_000, ge=1)
    """Rows of a stream that are held in memory at a time and shuffled together; 1 leaves them as they come."""
    max_length: int | None = Field(default=None, ge=4)
    """Tokens of a row at most; by default what the model can take."""
    max_target_length: int | None = Field(default=None, ge=1)
    """Tokens of a target at most; by default `max_length`."""
    truncation: bool = True
    """Cut longer rows to `max_length` and count them; `false` makes them an error."""
    packing: bool | None = None
    """Let rows share sequences of `max_length` tokens, blind to one another; texts longer than that go in pieces. By
    default `true` for a language model's texts, `false` for its completions and conversations."""
    image_size: int | None = Field(default=None, ge=4)
    """Height and width in pixels that images are resized to; by default what the model's image processor says."""
