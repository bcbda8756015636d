"""An HTTP server on this machine that stands in for dbt's package index and for hosts of archives, good and bad ones."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import io
import json
import pathlib
import socket
import ssl
import tarfile
import threading
import time


def project(name: str) -> str:
    return f"name: {name}\nversion: '1.0'\nconfig-version: 2\n"


def archive(files: dict[str, str], form: int = tarfile.PAX_FORMAT, modes: dict[str, int] | None = None) -> bytes:
    """A tar.gz of the files; a name that ends in `/` is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=form) as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            data = text.encode()
            info.mode = (modes or {}).get(name, 0o755 if name.endswith("/") else 0o644)
            if name.endswith("/"):
                info.type = tarfile.DIRTYPE
                data = b""
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def tar(*members: tuple[tarfile.TarInfo, bytes], pack=gzip.compress) -> bytes:
    """An archive of exactly these members, whatever they are."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for info, data in members:
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return pack(out.getvalue())


def member(name: str, type: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b"") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = type, link
    return info, data


class Hub:
    """Pages by path: bytes, a JSON value, `("redirect", location)`, or a function that gets the handler."""

    def __init__(self) -> None:
        self.pages: dict[str, object] = {}
        self.requests: list[str] = []
        self.authorizations: list[str | None] = []
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                hub.requests.append(self.path)
                hub.authorizations.append(self.headers.get("Authorization"))
                page = hub.pages.get(self.path)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    if callable(page):
                        return page(self)
                    if isinstance(page, tuple):
                        self.send_response(302)
                        self.send_header("Location", page[1])
                        self.send_header("Content-Length", "0")
                        return self.end_headers()
                    body = page if isinstance(page, bytes) else json.dumps(page).encode()
                    self.send_response(404 if page is None else 200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()

    def clear(self) -> None:
        self.requests.clear()
        self.authorizations.clear()

    def secure(self, key: pathlib.Path, certificate: pathlib.Path) -> None:
        """Speaks TLS from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = self.url.replace("http://", "https://")

    def package(self, namespace: str, name: str, versions: dict[str, dict], **more: object) -> None:
        """A package of the index; each version has `packages` and `require_dbt_version` as it likes."""
        listed = {}
        for version, members in versions.items():
            path = f"dl/{name}/{version}.tar.gz"
            top = f"{name}-{version}"
            self.pages[f"/{path}"] = archive({
                f"{top}/": "", f"{top}/dbt_project.yml": project(name), f"{top}/macros/version.sql": f"-- {version}\n",
                f"{top}/run.sh": "#!/bin/sh\n"}, modes={f"{top}/run.sh": 0o775})
            listed[version] = {
                "id": f"{namespace}/{name}/{version}", "name": name, "version": version, "packages": [],
                "downloads": {"tarball": self.url + path}} | members
        self.pages[f"/api/v1/{namespace}/{name}.json"] = {"name": name, "namespace": namespace, "versions": listed} | more
        index = self.pages.setdefault("/api/v1/index.json", [])
        index.append(f"{namespace}/{name}")


def dripping(handler: http.server.BaseHTTPRequestHandler) -> None:
    """An answer that never ends: a byte every half second."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"\x1f")
        handler.wfile.flush()
        time.sleep(0.5)


def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
    """An answer that never ends, as fast as it can be read."""
    handler.send_response(200)
    handler.end_headers()
    piece = b"\x1f\x8b" + bytes(1 << 20)
    while True:
        handler.wfile.write(piece)


class Tunnels:
    """A proxy that takes every CONNECT to this machine, whatever name was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.authorizations: list[str | None] = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_CONNECT(self):
                proxy.asked.append(self.path)
                proxy.authorizations.append(self.headers.get("Proxy-Authorization"))
                with socket.create_connection(("127.0.0.1", int(self.path.rsplit(":", 1)[1]))) as server:
                    self.send_response(200)
                    self.end_headers()
                    back = threading.Thread(target=self.pass_on, args=(server, self.connection), daemon=True)
                    back.start()
                    self.pass_on(self.connection, server)
                    back.join(10)

            @staticmethod
            def pass_on(source: socket.socket, target: socket.socket) -> None:
                with contextlib.suppress(OSError):
                    while data := source.recv(65536):
                        target.sendall(data)
                    target.shutdown(socket.SHUT_WR)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self) -> Tunnels:
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()
