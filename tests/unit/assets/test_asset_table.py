from __future__ import annotations

import re
import subprocess
import sys

import pytest

from hf_efficient.assets import ASSETS, describe, is_asset, resolve
from hf_efficient.errors import AssetError

FETCHED = [asset for asset in ASSETS.values() if not asset.builtin]


def test_names():
    assert list(ASSETS) == [
        "demo/minilm-l6",
        "demo/minilm-l3",
        "demo/mpnet-base",
        "demo/smollm2-135m",
        "demo/movie-sentiment",
        "demo/tweets",
        "demo/20newsgroups",
        "demo/reuters-r8",
        "demo/reuters-r52",
        "demo/brown-pos",
        "demo/brown-text",
        "demo/efficientnet-lite0",
        "demo/fashion-mnist",
        "demo/digits",
        "demo/wordnet",
        "demo/pos-tagger",
        "demo/tiny-vit",
        "demo/tiny-resnet",
        "demo/tiny-bert",
        "demo/tiny-t5",
        "demo/reverse-words",
        "demo/smoke",
    ]


@pytest.mark.parametrize("asset", FETCHED, ids=lambda asset: asset.name)
def test_pins_are_whole(asset):
    hashes = [item.sha256 for item in (*asset.packages, *asset.members)]
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in hashes)
    names = [member.name for member in asset.members]
    assert len(set(names)) == len(names)
    assert all("/" not in name for name in names)


def test_upstream_is_pinned_to_a_commit():
    hubs = [asset.hub for asset in FETCHED if asset.hub]
    assert len(hubs) == 1
    assert re.fullmatch("[0-9a-f]{40}", hubs[0].revision)


def test_is_asset():
    assert is_asset("demo/minilm-l6")
    assert not is_asset("google/bert_uncased_L-2_H-128_A-2")
    assert not is_asset("./demo/minilm-l6")


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(AssetError, match=r"^demo/minilm-16 is not an asset\. Did you mean demo/minilm-l6\?$"):
        resolve("demo/minilm-16")


def test_unknown_name_without_a_near_one_lists_all():
    with pytest.raises(AssetError, match="Known assets: demo/minilm-l6, "):
        describe("demo/xyzzy")


def test_builtin_assets_need_no_cache(monkeypatch):
    monkeypatch.setenv("HF_EFFICIENT_HOME", "/nonexistent")
    assert (resolve("demo/tiny-bert") / "config.json").is_file()
    rows = [(resolve("demo/smoke") / f"{split}.csv").read_text().splitlines() for split in ("train", "validation")]
    assert [len(split) - 1 for split in rows] == [48, 16]
    assert all(split[0] == "text,label" for split in rows)
    labels = [[line.rpartition(",")[2] for line in split[1:]] for split in rows]
    assert [(split.count("cooking"), split.count("sailing")) for split in labels] == [(24, 24), (8, 8)]
    assert not set(rows[0][1:]) & set(rows[1][1:])


def test_importing_is_light():
    script = (
        "import sys, hf_efficient.assets\n"
        "print([m for m in ('torch', 'transformers', 'datasets', 'pyarrow', 'onnx', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
