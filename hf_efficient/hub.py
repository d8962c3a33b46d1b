"""Publishing a finished run on the Hugging Face Hub."""

from __future__ import annotations

import logging
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx2
from huggingface_hub import CommitOperationAdd, HfApi, constants, get_session
from huggingface_hub.errors import (
    DeviceCodeError,
    HfHubHTTPError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    OIDCError,
)
from huggingface_hub.utils.tqdm import disable_progress_bars

from hf_efficient.errors import HubError, RunDirectoryError
from hf_efficient.recipe.hub import Hub

# What a push can fail with: refusals and dead connections, bad tokens, unreadable files, refused cards (ValueError),
# and whatever happened while a large file was on its way (RuntimeError).
_FAILURES = (httpx2.HTTPError, OSError, OIDCError, DeviceCodeError, ValueError, RuntimeError)

# huggingface_hub 2.4 gives its client no timeout at all: a Hub that never answers would hold the run for ever.
_TIMEOUT = httpx2.Timeout(30.0, connect=10.0)

_RUN_FILES = ("README.md", "recipe.yaml", "report.json")
# Pickles (`training_args.bin`, `optimizer.pt`, …) run code when they are opened and carry whatever the process knew.
_PRIVATE_SUFFIXES = (".bin", ".pt", ".pth", ".pkl", ".jsonl")
_PRIVATE_NAMES = ("trainer_state.json",)

_REFUSALS = {
    401: "the Hub did not accept the token; make a new one and log in with `hf auth login`, or set HF_TOKEN",
    403: "the token may not write there; check the name and the token's permissions",
    404: "the Hub has no such user, organisation or repository; check the name",
    429: "the Hub has had too many requests; wait a while",
}


def push(run_dir: Path, hub: Hub) -> str:
    """Upload a finished run's model, card, recipe and report in one commit; the URL where they are.

    The token comes from the environment or the Hub's own store. Raises RunDirectoryError if the run is not finished,
    HubError, with the command to try again, if the push did not arrive.
    """
    files = published_files(run_dir)
    try:
        with _quiet(), _with_timeout():
            return _upload(files, hub)
    except _FAILURES as error:
        raise HubError(
            f"{run_dir} was not pushed to {hub.repo_id}: {_reason(error)}; then try again: {_command(run_dir, hub)}"
        ) from error


def published_files(run_dir: Path) -> dict[str, Path]:
    """What a push uploads, by its path in the repository: never checkpoints, logs or pickles.

    Raises RunDirectoryError if the run is not finished.
    """
    if (run_dir / "base").is_dir():  # card and report tell of the adapter, also where model/ was merged later
        raise RunDirectoryError(
            f"{run_dir}: expected a model, found an adapter that is not merged; upload what "
            "`hf-efficient merge` writes with `hf upload`, or push adapter/ with peft"
        )
    for part in ("model/config.json", *_RUN_FILES):
        if not (run_dir / part).is_file():
            raise RunDirectoryError(f"{run_dir}: expected a finished run, found no {part}; finish the run first")
    model = {path.name: path for path in sorted((run_dir / "model").iterdir()) if _is_public(path)}
    return model | {name: run_dir / name for name in _RUN_FILES}


def _is_public(path: Path) -> bool:
    name = path.name
    return path.is_file() and path.suffix not in _PRIVATE_SUFFIXES and name not in _PRIVATE_NAMES and name[0] != "."


def _upload(files: dict[str, Path], hub: Hub) -> str:
    api = HfApi(token=True)
    # False would make the repository public where an organisation's default is private.
    repo = api.create_repo(hub.repo_id, private=True if hub.private else None, exist_ok=True)
    if hub.private and not api.model_info(repo.repo_id).private:
        raise ValueError("the repository exists and is public; make it private on the Hub or leave out `private`")
    revision = hub.revision or constants.DEFAULT_REVISION
    if revision != constants.DEFAULT_REVISION:
        api.create_branch(repo.repo_id, branch=revision, exist_ok=True)
    operations = [CommitOperationAdd(name, path) for name, path in files.items()]
    api.create_commit(repo.repo_id, operations, commit_message="Upload the fine-tuned model", revision=revision)
    return repo.url if revision == constants.DEFAULT_REVISION else f"{repo.url}/tree/{quote(revision, safe='')}"


def _reason(error: BaseException) -> str:
    """What happened and what to do about it, in one line."""
    match error:
        case LocalTokenNotFoundError():
            return "no token was found; log in with `hf auth login`, or set HF_TOKEN"
        case OfflineModeIsEnabled():
            return "HF_HUB_OFFLINE is set; unset it"
        case HfHubHTTPError():
            return _refusal(error)
        case httpx2.TimeoutException():
            return f"{constants.ENDPOINT} did not answer in time; check the network"
        case httpx2.TransportError():
            return f"{constants.ENDPOINT} can't be reached ({_one_line(error)}); check the network"
        case RuntimeError(__cause__=BaseException() as cause):
            return _reason(cause)
    return _one_line(error)


def _refusal(error: HfHubHTTPError) -> str:
    status = error.response.status_code
    said = f" ({_one_line(error.server_message)})" if error.server_message else ""
    return f"{_REFUSALS.get(status, f'the Hub answered with status {status}')}{said}"


def _command(run_dir: Path, hub: Hub) -> str:
    """The command that pushes the same run to the same place."""
    words = ["hf-efficient", "push", str(run_dir), "--repo-id", hub.repo_id]
    words += ["--private"] if hub.private else []
    words += ["--revision", hub.revision] if hub.revision else []
    return shlex.join(words)


def _one_line(message: object) -> str:
    return " ".join(str(message).split()).rstrip(".")


@contextmanager
def _with_timeout() -> Iterator[None]:
    """Give the client that huggingface_hub shares between its calls a timeout, and take it away again."""
    session = get_session()
    before = session.timeout
    session.timeout = _TIMEOUT
    try:
        yield
    finally:
        session.timeout = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's warnings back, and its progress bars where nobody watches: failures are told once, by us."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        if not sys.stderr.isatty():
            stack.enter_context(disable_progress_bars())
        stack.callback(logger.setLevel, level)
        logger.setLevel(logging.ERROR)
        yield
