"""A package index on loopback, with wheels made here."""

from __future__ import annotations

import base64
import hashlib
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path


class Index:
    """A folder that is served as an index.

    Attributes:
        url: What pip takes as `--index-url`.
        asked: Paths of all requests so far.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.asked: list[str] = []

    def add(self, project: str, version: str, content: Mapping[str, bytes]) -> None:
        """Put a pure wheel into the index.

        Args:
            project: Normalized name.
            version: Version.
            content: Its files, all but RECORD.
        """
        folder = self.folder / "simple" / project
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{project.replace('-', '_')}-{version}"
        record = f"{stem}.dist-info/RECORD"
        lines = [f"{name},{_record_hash(data)},{len(data)}" for name, data in content.items()]
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            for name, data in content.items():
                wheel.writestr(name, data)
            wheel.writestr(record, "\n".join([*lines, f"{record},,", ""]))
        links = "".join(f'<a href="{file.name}">{file.name}</a>\n' for file in folder.glob("*.whl"))
        (folder / "index.html").write_text(f"<!doctype html><title>{project}</title>\n{links}")

    def add_module(self, project: str, version: str, *about: str) -> None:
        """Put a module of the project's name into the index, which knows its version; `about` goes to METADATA."""
        info = f"{project}-{version}.dist-info"
        headers = "\n".join(["Metadata-Version: 2.1", f"Name: {project}", f"Version: {version}", *about, ""])
        self.add(
            project,
            version,
            {
                f"{project}.py": f"VERSION = '{version}'\n".encode(),
                f"{info}/METADATA": headers.encode(),
                f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            },
        )

    def add_installed(self, project: str) -> str:
        """Put a pure package that is installed here into the index; its version."""
        distribution = metadata.distribution(project)
        left_out = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json")
        self.add(
            project,
            distribution.version,
            {
                str(file): Path(str(file.locate())).read_bytes()
                for file in distribution.files or []
                if ".." not in file.parts and file.suffix != ".pyc" and file.name not in left_out
            },
        )
        return distribution.version

    def lock(self, *pins: str) -> str:
        """The text of a lock file with these pins (`name==version`) and the hashes of their wheels."""
        lines = []
        for pin in pins:
            project, _, version = pin.partition("==")
            project = project.partition("[")[0]
            wheel = (
                self.folder / "simple" / project / f"{project.replace('-', '_')}-{version}-py3-none-any.whl"
            )
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            lines.append(f"{pin} \\\n    --hash=sha256:{digest}\n")
        return "".join(lines)


def _record_hash(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, index: Index, *args: object) -> None:
        self._index = index
        super().__init__(*args, directory=str(index.folder))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._index.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(index: Index) -> Iterator[None]:
    """Serve the index on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, index))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    index.url = f"http://127.0.0.1:{server.server_port}/simple"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
