"""What a worker says of itself and what the kernel says of it: `/metrics`, memory, descriptors, processor time."""

from __future__ import annotations

import os
import pathlib
import re

import proof

SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(\{[^}]*\})? (\S+)')


def read(worker) -> dict[str, float]:
    """Every sample of `/metrics` by its name and labels, as written there."""
    status, text = worker.health("/metrics")
    assert status == 200, text
    found = {}
    for line in text.splitlines():
        sample = SAMPLE.match(line)
        if sample:
            found[sample[1] + (sample[2] or "")] = float(sample[3])
    return found


def total(samples: dict[str, float], name: str) -> float:
    """The sum of all samples of one name, whatever their labels."""
    return sum(value for key, value in samples.items() if key.partition("{")[0] == name)


def descriptors(pid: int) -> int:
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def peak_megabytes(pid: int) -> float:
    return int(proof.status(pid)["VmHWM"].split()[0]) / 1024


def forget_peak(pid: int):
    """Sets the peak of resident memory back to what is resident now."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def processor_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
