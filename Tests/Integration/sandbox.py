"""Harder places for a worker to live in: a user id without an account, a filter of system calls, few descriptors, a clock that jumps."""

from __future__ import annotations

import os
import pathlib
import platform
import shutil
import struct
import subprocess

import stage as stage_module

# What a container runtime's default profile refuses, of what a worker could try. Numbers by machine: x86-64, then arm64.
REFUSED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "mount": (165, 40), "umount2": (166, 39),
    "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "reboot": (169, 142),
}


def seccomp_filter() -> bytes:
    """A classic BPF program that answers EPERM to the calls above and admits the rest (seccomp(2))."""
    arm = platform.machine() == "aarch64"
    load, equal, answer = 0x20, 0x15, 0x06
    program = [(load, 0, 0, 4), (equal, 1, 0, 0xC00000B7 if arm else 0xC000003E), (answer, 0, 0, 0x80000000), (load, 0, 0, 0)]
    for numbers in REFUSED.values():
        program += [(equal, 0, 1, numbers[arm]), (answer, 0, 0, 0x00050000 | 1)]
    program.append((answer, 0, 0, 0x7FFF0000))
    return b"".join(struct.pack("HBBI", *step) for step in program)


class HardenedWorker(stage_module.Worker):
    """A worker as on a platform that gives each project a user id of its own: no account, no home, no rights, filtered calls."""

    uid = 1_000_840_017

    def command_for(self, *words: str) -> list[str]:
        command = [str(word) for word in self.command]
        at = command.index("--uid")
        command[at:at + 4] = ["--uid", str(self.uid), "--gid", "0"]
        at = command.index("--remount-ro")
        filter_file = os.memfd_create("filter", 0)
        os.write(filter_file, seccomp_filter())
        os.lseek(filter_file, 0, os.SEEK_SET)
        nobody = self.folder / "no-accounts"
        nobody.touch()
        command[at:at] = [
            "--ro-bind", str(nobody), "/etc/passwd", "--ro-bind", str(nobody), "/etc/group", "--seccomp", str(filter_file), "--setenv", "HOME", "/"]
        self.filter_file = filter_file
        return command[:-2] + ["/bin/sallyport", *words]

    def start(self, wait: bool = True) -> "HardenedWorker":
        command = self.command_for("worker")
        self.launch(stage_module.as_user(stage_module.POD_USER, command), pass_fds=[self.filter_file])
        os.close(self.filter_file)
        if wait:
            self.wait_until_ready()
        return self

    def run(self, *words: str, seconds: float = 120) -> subprocess.CompletedProcess:
        """Another command in a sandbox of the same kind."""
        command = self.command_for(*words)
        try:
            return subprocess.run(
                stage_module.as_user(stage_module.POD_USER, command), capture_output=True, text=True, timeout=seconds,
                stdin=subprocess.DEVNULL, pass_fds=[self.filter_file])
        finally:
            os.close(self.filter_file)


CLOCK = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long offset(void) {
  char text[32];
  int file = open("/clock/offset", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  long count = read(file, text, sizeof text - 1);
  close(file);
  text[count > 0 ? count : 0] = 0;
  return atol(text);
}
int clock_gettime(clockid_t clock, struct timespec *time) {
  int status = (int)syscall(SYS_clock_gettime, clock, time);
  if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += offset();
  return status;
}
int gettimeofday(struct timeval *time, void *zone) {
  struct timespec now;
  if (!time || clock_gettime(CLOCK_REALTIME, &now)) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *where) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (where) *where = now.tv_sec;
  return now.tv_sec;
}
"""


class Clock:
    """A wall clock for one worker, set forwards and backwards by a test; the monotonic clocks stay as they are."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder / "clock"
        self.folder.mkdir()
        source = folder / "clock.c"
        source.write_text(CLOCK)
        compiler = shutil.which("clang") or shutil.which("gcc") or shutil.which("cc")
        assert compiler, "no C compiler: the Swift toolchain brings clang"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", self.folder / "clock.so", source], check=True)
        self.set(0)
        for path in (self.folder, *self.folder.iterdir()):
            path.chmod(0o755)

    def set(self, seconds: int):
        """Lets the worker see a time so many seconds from now."""
        (self.folder / "offset").write_text(f"{seconds}\n")

    def give(self, worker: stage_module.Worker):
        """Makes a worker that has not started yet live by this clock."""
        at = worker.command.index("--remount-ro")
        (worker_root(worker) / "clock").mkdir(exist_ok=True)
        worker.command[at:at] = ["--ro-bind", self.folder, "/clock", "--setenv", "LD_PRELOAD", "/clock/clock.so",
                                "--setenv", "SALLYPORT_CONFINE_READ", "/clock"]


def worker_root(worker: stage_module.Worker) -> pathlib.Path:
    """The folder that is the worker's root file system."""
    at = worker.command.index("--ro-bind")
    return pathlib.Path(worker.command[at + 1])
