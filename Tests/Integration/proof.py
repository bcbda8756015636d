"""Checks of what a sandboxed worker may not do: write, listen, hold privileges, or let a secret out."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib


def digest(folder: pathlib.Path) -> str:
    """A hash over names, modes and contents of everything below `folder`."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        total.update(f"{path.relative_to(folder)}\0{path.lstat().st_mode}\0".encode())
        if path.is_file():
            total.update(path.read_bytes())
    return total.hexdigest()


def writable_mounts(pid: int) -> list[str]:
    """Mount points that the process could write files to: not /proc, which the kernel guards, nor devices and terminals."""
    found = []
    for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
        fields = line.split()
        target, options = fields[4], fields[5].split(",")
        kind = fields[fields.index("-") + 1]
        is_node = kind == "devpts" or (target.startswith("/dev/") and target != "/dev/shm")
        if "rw" in options and kind != "proc" and not target.startswith("/proc/") and not is_node:
            found.append(target)
    return found


def status(pid: int) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return {key: value.strip() for key, value in pairs}


def sockets_of(pid: int) -> set[str]:
    """The inode numbers of the process's sockets."""
    found = set()
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            name = str(descriptor.readlink())
            if name.startswith("socket:["):
                found.add(name[8:-1])
    return found


def sockets_of_others(pid: int) -> set[str]:
    """The inode numbers of the sockets of every other process that we may look into."""
    found = set()
    for other in pathlib.Path("/proc").iterdir():
        if other.name.isdigit() and int(other.name) != pid:
            with contextlib.suppress(OSError):
                found |= sockets_of(int(other.name))
    return found


def local_ports(pid: int) -> set[int]:
    """This side's ports of the process's TCP connections."""
    own, ports = sockets_of(pid), set()
    for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in own:
            ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    return ports


def listening_ports(pid: int) -> list[int]:
    """TCP ports that the process itself listens on.

    The worker forbids a look at its descriptors to all but root. To another user its sockets are those of that user which no
    other process holds.
    """
    try:
        own, others = sockets_of(pid), None
    except PermissionError:
        own, others = None, sockets_of_others(pid)
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            user, socket = int(fields[7]), fields[9]
            is_ours = socket in own if own is not None else user == os.getuid() and socket not in others
            if fields[3] == "0A" and is_ours:
                ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    return sorted(ports)


def resident_megabytes(pid: int) -> float:
    return int(status(pid)["VmRSS"].split()[0]) / 1024


def secrets_of(stage) -> dict[str, str]:
    """Every secret of the stage by name: what no log, failure or history may contain."""
    key = "".join(line for line in stage.certificates.client_key.read_text().splitlines() if not line.startswith("-"))
    found = {"the database password": stage.postgres.password, "the client key": key[:40]}
    if stage.api_key:
        found["the API key"] = stage.api_key
    return found


def leaks(stage, texts: dict[str, str], extra: dict[str, str] | None = None) -> list[str]:
    """`what in where` for each secret found in one of the texts."""
    import base64

    found = []
    for name, value in (secrets_of(stage) | (extra or {})).items():
        forms = {value, base64.b64encode(value.encode()).decode().rstrip("=")}
        for place, text in texts.items():
            if any(form in text for form in forms):
                found.append(f"{name} in {place}")
    return found
