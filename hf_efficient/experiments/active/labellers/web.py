"""A person labels on a page that this machine alone serves."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from hf_efficient.errors import PlanError

if TYPE_CHECKING:
    from types import TracebackType

    from hf_efficient.experiments.active.loop import Query
    from hf_efficient.experiments.active.state import LabelLog

HOST: Final = "127.0.0.1"
_MOST_BYTES: Final = 100_000
"""Of what a page may send."""
_BY: Final = "web"
_SECONDS_TO_SEE_THE_END: Final = 3.0


class Desk:
    """The rows of one round and what has been said of them; each answer is on disk before the page hears of it."""

    def __init__(self, query: Query, log: LabelLog) -> None:
        self._query, self._log = query, log
        self._answered: list[int] = []
        self._lock = threading.Lock()
        self.finished = threading.Event()

    def state(self) -> dict[str, Any]:
        """What the page shows."""
        with self._lock:
            pending = self._pending()
            return {
                "phase": "label" if pending else "review",
                "round": self._query.number,
                "row": self._row(pending[0]) if pending else None,
                "classes": self._log.classes,
                "done": len(self._query.rows) - len(pending),
                "total": len(self._query.rows),
                "labels": len(self._log.labels),
                "can_undo": bool(self._answered),
            }

    def act(self, action: str, said: Mapping[str, Any]) -> HTTPStatus:
        """Do what the page asks for."""
        with self._lock:
            pending = self._pending()
            match action:
                case "undo" if self._answered:
                    self._log.undo(self._answered.pop(), _BY)
                case "finish" if not pending:
                    self.finished.set()
                case "label" | "skip" if pending and said.get("id") == pending[0]:
                    return self._answer(pending[0], action, said.get("label"))
                case _:  # a second click, or another tab
                    return HTTPStatus.CONFLICT
            return HTTPStatus.OK

    def _answer(self, row: int, action: str, label: Any) -> HTTPStatus:
        if action == "skip":
            self._log.skip(row, _BY)
        elif label in self._log.classes:
            self._log.give(row, label, _BY)
        else:
            return HTTPStatus.BAD_REQUEST
        self._answered.append(row)
        return HTTPStatus.OK

    def _pending(self) -> list[int]:
        return [row for row in self._query.rows if row not in self._log.settled]

    def _row(self, row: int) -> dict[str, Any]:
        (texts,) = self._query.pool.texts([row])
        return {"id": row, "texts": list(texts.values()) if self._query.pool.text_columns else None}

    def image(self, row: int) -> bytes | None:
        """The file of an image that is to be labelled."""
        return self._query.pool.image(row) if row in self._query.rows else None


class WebLabeller:
    """Serves the page while its block lasts; its address holds a secret, without which nothing is answered."""

    def __init__(self, port: int = 0, shown: Callable[[str], None] = lambda line: None) -> None:
        """A labeller that is not served yet; port 0 is any that is free."""
        self._port, self._shown = port, shown
        self.desk: Desk | None = None
        self.watched = False
        """Whether a browser has opened the page."""
        self._ended = False
        self._end_is_seen = threading.Event()
        self.token = secrets.token_urlsafe(16)

    def __enter__(self) -> WebLabeller:
        try:
            self._server = _Server((HOST, self._port), self)
        except (OSError, OverflowError) as error:
            raise PlanError(f"--port {self._port}: can't be served there ({error}); name another one.") from error
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._shown(f"label at {self.url}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        if error is None and self.watched:
            self._end_is_seen.wait(_SECONDS_TO_SEE_THE_END)
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self._server.server_port}/{self.token}/"

    def __call__(self, query: Query, log: LabelLog) -> None:
        """Show a round's rows, and wait until the page says that all are done."""
        desk = self.desk = Desk(query, log)
        while not desk.finished.wait(0.2):
            pass  # an interrupt from the keyboard comes through between two waits
        self.desk = None

    def state(self) -> dict[str, Any]:
        """What the page shows."""
        desk = self.desk
        if desk is not None:
            return desk.state()
        if self._ended:
            self._end_is_seen.set()
        return {"phase": "ended" if self._ended else "train"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], labeller: WebLabeller) -> None:
        super().__init__(address, _Handler)
        self.labeller = labeller


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The page, what it shows, or an image."""
        labeller, parts = self.server.labeller, self._parts()
        match parts:
            case [""]:
                self._page()
            case ["state"]:
                self._json(HTTPStatus.OK, labeller.state())
            case ["image", number] if (
                number.isdecimal() and labeller.desk and (data := labeller.desk.image(int(number)))
            ):
                self._send(HTTPStatus.OK, "application/octet-stream", data)
            case _:
                self._json(HTTPStatus.NOT_FOUND, {})

    def do_POST(self) -> None:
        """What the person has done."""
        labeller, parts = self.server.labeller, self._parts()
        said = self._said()
        if parts is None or len(parts) != 1 or said is None:
            self.close_connection = True
            self._json(HTTPStatus.NOT_FOUND if parts is None else HTTPStatus.BAD_REQUEST, {})
            return
        desk = labeller.desk
        status = HTTPStatus.CONFLICT if desk is None else desk.act(parts[0], said)
        self._json(status, labeller.state())

    def _parts(self) -> list[str] | None:
        """The path below the secret; None where somebody does not know it, or calls this machine by another name."""
        host = self.headers.get("Host", "").partition(":")[0]
        _, token, *parts = [*self.path.partition("?")[0].split("/"), ""][:5]
        known = secrets.compare_digest(token.encode(), self.server.labeller.token.encode())
        if host not in (HOST, "localhost") or not known:
            return None
        return [part for part in parts if part] or [""]

    def _said(self) -> dict[str, Any] | None:
        """The JSON object that was sent; None where it is none."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MOST_BYTES or self.headers.get_content_type() != "application/json":
            return None
        try:
            said = json.loads(self.rfile.read(int(length)))
        except ValueError:
            return None
        return said if isinstance(said, dict) else None

    def _page(self) -> None:
        self.server.labeller.watched = True
        nonce = secrets.token_urlsafe(16)
        page = files(__package__).joinpath("page.html").read_text(encoding="utf-8").replace("{nonce}", nonce)
        policy = f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        policy += "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        self._send(HTTPStatus.OK, "text/html; charset=utf-8", page.encode(), policy)

    def _json(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(content).encode())

    def _send(self, status: HTTPStatus, kind: str, data: bytes, policy: str = "default-src 'none'") -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Say nothing: the terminal shows the rounds."""
