"""Client certificates that change on disk the way a pod's do, and what histories tell of the time since."""

from __future__ import annotations

import datetime
import os
import pathlib
import shutil
import statistics
import subprocess

import stage as stage_module


class Mount:
    """A folder as Kubernetes mounts a Secret: every file a link through `..data`, swapped all at once."""

    def __init__(self, folder: pathlib.Path, files: dict[str, bytes]):
        self.path = folder
        self.number = 0
        folder.mkdir()
        self.swap(files)
        for name in files:
            (folder / name).symlink_to(f"..data/{name}")

    def swap(self, files: dict[str, bytes]):
        """The kubelet's steps: a new folder, a new link, the link renamed over the old one, the old folder removed."""
        former, self.number = self.number, self.number + 1
        fresh = self.path / f"..v{self.number}"
        fresh.mkdir()
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        for path in (fresh, *fresh.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o440)
            if os.geteuid() == 0:
                os.chown(path, stage_module.POD_USER, stage_module.POD_USER)
        link = self.path / "..data_tmp"
        link.symlink_to(fresh.name)
        link.rename(self.path / "..data")
        shutil.rmtree(self.path / f"..v{former}", ignore_errors=True)


def pairs(certificates: stage_module.Certificates, folder: pathlib.Path, count: int) -> list[dict[str, bytes]]:
    """The files of `count` mounts, each with a client certificate of its own serial number."""
    folder.mkdir()
    script = f"""
        set -e
        printf 'basicConstraints=critical,CA:FALSE\\nextendedKeyUsage=clientAuth\\n' > extensions
        for number in $(seq 1 {count}); do
          openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $number.key -out request -subj /CN=worker-$number
          openssl x509 -req -in request -CA {certificates.folder}/ca.crt -CAkey {certificates.folder}/ca.key \
            -set_serial $((4096 + number)) -out $number.crt -extfile extensions -days 30
        done
        """
    subprocess.run(["bash", "-c", script], cwd=folder, check=True, capture_output=True)
    authority = certificates.ca_crt.read_bytes()
    return [
        {"tls.crt": (folder / f"{number}.crt").read_bytes(), "tls.key": (folder / f"{number}.key").read_bytes(), "ca.crt": authority}
        for number in range(1, count + 1)
    ]


def moment(event: dict) -> float:
    """An event's time in seconds since 1970."""
    text = event["eventTime"].replace("Z", "+00:00")
    head, _, rest = text.partition(".")
    if not rest:
        return datetime.datetime.fromisoformat(text).timestamp()
    digits = rest.split("+")[0]
    return datetime.datetime.fromisoformat(head + "+00:00").timestamp() + float("0." + digits)


def waits(history: dict) -> list[float]:
    """Seconds between the scheduling and the start of every task, workflow tasks and activities alike."""
    scheduled = {event["eventId"]: moment(event) for event in history["events"] if event["eventType"].endswith("TASK_SCHEDULED")}
    found = []
    for event in history["events"]:
        if event["eventType"].endswith("TASK_STARTED"):
            attributes = event.get("activityTaskStartedEventAttributes") or event["workflowTaskStartedEventAttributes"]
            found.append(moment(event) - scheduled[attributes["scheduledEventId"]])
    return found


def summary(values: list[float]) -> str:
    return f"median {statistics.median(values) * 1000:.0f} ms, longest {max(values) * 1000:.0f} ms of {len(values)}"


def kinds(history: dict) -> set[str]:
    return {event["eventType"].removeprefix("EVENT_TYPE_") for event in history["events"]}
