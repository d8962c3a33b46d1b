"""A stand-in for the Hugging Face Hub on loopback: repositories, branches, large files, commits and downloads.

It speaks as much of the protocol as huggingface_hub 2.4 uses to push a model and to load it again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_stand_in_token"
USER = "user"


@dataclass
class Repository:
    """Branches with their files, and every commit's files by its id."""

    private: bool
    branches: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"main": {}})
    messages: list[str] = field(default_factory=list)

    def sha(self, branch: str) -> str:
        listing = sorted((path, hashlib.sha1(data).hexdigest()) for path, data in self.branches[branch].items())
        return hashlib.sha1(f"{branch}{listing}".encode()).hexdigest()

    def branch(self, revision: str) -> str | None:
        """The branch of that name, or whose head is that commit."""
        return next((name for name in self.branches if revision in (name, self.sha(name))), None)


class HubServer:
    """The server, as a context manager; `broken` is a start of paths that it refuses, with the status."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.broken: tuple[str, int] | None = None
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.endpoint = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> HubServer:
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering; the port is free afterwards."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        hub.requests.append(f"{self.command} {path}")
        if hub.broken is not None and path.startswith(hub.broken[0]):
            return self._error(hub.broken[1], "out of order")
        if not path.startswith("/objects/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._error(401, "Invalid credentials in Authorization header")
        for method, pattern, route in ROUTES:
            if re.match(method, self.command) and (match := re.fullmatch(pattern, path)):
                return route(self, body, *match.groups())
        return self._error(404, f"the stand-in has no {self.command} {path}")

    def create(self, body: bytes) -> None:
        wanted = json.loads(body)
        name = f"{wanted['organization'] or USER}/{wanted['name']}"
        status = 409 if name in self.hub.repositories else 200
        self.hub.repositories.setdefault(name, Repository(private=wanted.get("visibility") == "private"))
        self._json({"url": f"{self.hub.endpoint}/{name}", "error": "exists"}, status)

    def validate_yaml(self, body: bytes) -> None:
        known = json.loads(body)["content"].startswith("---\n")
        self._json({"errors": [] if known else [{"message": "no metadata"}]}, 200 if known else 400)

    def create_branch(self, body: bytes, name: str, branch: str) -> None:
        repository = self.hub.repositories[name]
        status = 409 if branch in repository.branches else 200
        repository.branches.setdefault(branch, dict(repository.branches["main"]))
        self._json({"error": "exists"}, status)

    def preupload(self, body: bytes, name: str, revision: str) -> None:
        files = [
            {"path": path, "uploadMode": "lfs" if path.endswith(".safetensors") else "regular", "shouldIgnore": False}
            for path in (file["path"] for file in json.loads(body)["files"])
        ]
        self._json({"files": files})

    def lfs_batch(self, body: bytes, name: str) -> None:
        endpoint = self.hub.endpoint
        objects = [
            {
                **wanted,
                "actions": {
                    "upload": {"href": f"{endpoint}/objects/{wanted['oid']}"},
                    "verify": {"href": f"{endpoint}/verify"},
                },
            }
            for wanted in json.loads(body)["objects"]
        ]
        self._json({"transfer": "basic", "objects": objects})

    def put_object(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            return self._error(400, "wrong hash")
        self.hub.objects[oid] = body
        return self._json({})

    def verify(self, body: bytes) -> None:
        wanted = json.loads(body)
        arrived = len(self.hub.objects.get(wanted["oid"], b"")) == wanted["size"]
        self._json({}, 200 if arrived else 404)

    def commit(self, body: bytes, name: str, revision: str) -> None:
        repository = self.hub.repositories[name]
        if revision not in repository.branches:
            return self._error(404, "no such branch", code="RevisionNotFound")
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                repository.messages.append(value["summary"])
            elif line["key"] == "file":
                repository.branches[revision][value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repository.branches[revision][value["path"]] = self.hub.objects[value["oid"]]
        sha = repository.sha(revision)
        return self._json({"commitUrl": f"{self.hub.endpoint}/{name}/commit/{sha}", "commitOid": sha})

    def info(self, body: bytes, name: str, revision: str | None = None) -> None:
        repository = self.hub.repositories.get(name)
        if repository is None:
            return self._error(404, "no such repository", code="RepoNotFound")
        branch = repository.branch(revision or "main")
        if branch is None:
            return self._error(404, "no such revision", code="RevisionNotFound")
        siblings = [{"rfilename": path} for path in sorted(repository.branches[branch])]
        described = {"id": name, "sha": repository.sha(branch), "private": repository.private, "siblings": siblings}
        return self._json(described)

    def resolve(self, body: bytes, name: str, revision: str, path: str) -> None:
        repository = self.hub.repositories.get(name)
        branch = repository and repository.branch(revision)
        if repository is None or branch is None:
            return self._error(404, "no such repository or revision", code="RevisionNotFound")
        data = repository.branches[branch].get(path)
        if data is None:
            return self._error(404, "no such file", code="EntryNotFound")
        etag = hashlib.sha256(data).hexdigest()
        return self._send(200, data, {"ETag": f'"{etag}"', "X-Repo-Commit": repository.sha(branch)})

    def _json(self, value: Any, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _error(self, status: int, message: str, code: str | None = None) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._send(status, json.dumps({"error": message}).encode(), headers | {"Content-Type": "application/json"})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


_NAME = r"([\w.-]+/[\w.-]+)"

ROUTES: list[tuple[str, str, Callable[..., None]]] = [
    ("POST", "/api/repos/create", _Handler.create),
    ("POST", "/api/validate-yaml", _Handler.validate_yaml),
    ("POST", f"/api/models/{_NAME}/branch/(.+)", _Handler.create_branch),
    ("POST", f"/api/models/{_NAME}/preupload/(.+)", _Handler.preupload),
    ("POST", f"/api/models/{_NAME}/commit/(.+)", _Handler.commit),
    ("POST", rf"/{_NAME}\.git/info/lfs/objects/batch", _Handler.lfs_batch),
    ("PUT", "/objects/([0-9a-f]{64})", _Handler.put_object),
    ("POST", "/verify", _Handler.verify),
    ("GET", f"/api/models/{_NAME}(?:/revision/(.+))?", _Handler.info),
    ("GET|HEAD", f"/{_NAME}/resolve/([^/]+)/(.+)", _Handler.resolve),
]
