"""Labelled grey images on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path


def write_images(images: Iterable[bytes], labels: Iterable[str], size: tuple[int, int], path: Path) -> None:
    """Write one row an image, as `datasets` does: `image`, a PGM file's bytes, and `label`.

    PGM is a head and the pixels: any reader of images takes it, and parquet compresses it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    head = b"P5 %d %d 255\n" % size
    values = [{"bytes": head + pixels, "path": None} for pixels in images]
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = pa.table({"image": pa.array(values, kind), "label": pa.array(list(labels), pa.string())})
    features = {"image": {"_type": "Image"}, "label": {"dtype": "string", "_type": "Value"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(metadata), path)
