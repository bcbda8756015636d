"""What a core dump of a process would hold: its readable memory, without the pages that it has excluded (MADV_DONTDUMP)."""

from __future__ import annotations

import dataclasses
import pathlib


@dataclasses.dataclass
class Region:
    start: int
    end: int
    name: str
    is_private_data: bool
    is_excluded: bool


def regions(pid: int) -> list[Region]:
    """The mappings of a process, from /proc/PID/smaps: `dd` among the flags means that dumps leave it out."""
    found: list[Region] = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            start, end = (int(part, 16) for part in words[0].split("-"))
            rights, name = words[1], words[5] if len(words) > 5 else ""
            readable = "r" in rights and name not in ("[vvar]", "[vsyscall]", "[vdso]")
            found.append(Region(start, end, name, readable and ("w" in rights or name == ""), False))
        elif words[0] == "VmFlags:":
            found[-1].is_excluded = "dd" in words
    return [region for region in found if region.is_private_data]


class MemoryImage:
    """A copy of the data pages of a running process, taken while it runs. Needs root, or the right to trace the process."""

    def __init__(self, pid: int):
        self.parts: list[tuple[Region, bytes]] = []
        with open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for region in regions(pid):
                try:
                    memory.seek(region.start)
                    self.parts.append((region, memory.read(region.end - region.start)))
                except OSError:
                    continue  # unmapped meanwhile, or not backed by anything

    def places(self, needle: bytes, excluded: bool) -> list[str]:
        """Where the bytes stand: in pages that dumps hold, or in those that they leave out."""
        return [
            f"{region.name or 'anonymous'} at {region.start + data.find(needle):x}"
            for region, data in self.parts if region.is_excluded == excluded and needle in data]

    @property
    def excluded_bytes(self) -> int:
        return sum(region.end - region.start for region, _ in self.parts if region.is_excluded)
