"""grpcio under the same load as the Swift clients: PORT CERTIFICATES IN-FLIGHT BYTES WARM-UP SECONDS; see Transport/Sources/Load.

One call at a time goes through the blocking stub, several through asyncio: each is grpcio's fastest way.
"""

from __future__ import annotations

import asyncio
import json
import pathlib
import re
import resource
import sys
import time

import grpc


class Meter:
    """Counts calls in three phases of time: warm-up, measured, over."""

    def __init__(self, warm_up: float, seconds: float):
        now = time.monotonic()
        self.begins, self.ends = now + warm_up, now + warm_up + seconds
        self.latencies: list[float] = []
        self.first = self.last = None

    def done(self, begun: float) -> bool:
        """Notes one call. True: the time is over."""
        now = time.monotonic()
        if now >= self.begins:
            if self.first is None:
                self.first = (now, processor_seconds())
            elif now < self.ends:
                self.latencies.append(now - begun)
            elif self.last is None:
                self.last = (now, processor_seconds())
        return self.last is not None

    def report(self) -> dict:
        ordered = sorted(self.latencies)
        status = pathlib.Path("/proc/self/status").read_text()
        resident, private = (1024 * int(re.search(rf"{field}:\s+(\d+)", status)[1]) for field in ("VmHWM", "RssAnon"))
        return {
            "calls": len(ordered), "seconds": self.last[0] - self.first[0], "processor": self.last[1] - self.first[1],
            "p50": ordered[len(ordered) // 2], "p99": ordered[len(ordered) * 99 // 100], "resident": resident,
            "private": private}


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def one_at_a_time(address: str, credentials, path: str, message: bytes, meter: Meter):
    with grpc.secure_channel(address, credentials) as channel:
        call = channel.unary_unary(path)
        begun = time.monotonic()
        while True:
            assert len(call(message, timeout=30)) == len(message)
            if meter.done(begun):
                return
            begun = time.monotonic()


async def many_at_once(address: str, credentials, path: str, message: bytes, meter: Meter, in_flight: int):
    async with grpc.aio.secure_channel(address, credentials) as channel:
        call = channel.unary_unary(path)

        async def lane():
            begun = time.monotonic()
            while True:
                assert len(await call(message, timeout=30)) == len(message)
                if meter.done(begun):
                    return
                begun = time.monotonic()

        await asyncio.gather(*(lane() for _ in range(in_flight)))


def main(port: str, folder: str, in_flight: str, size: str, warm_up: str, seconds: str):
    certificates = pathlib.Path(folder)
    credentials = grpc.ssl_channel_credentials(*((certificates / name).read_bytes() for name in ("ca.crt", "client.key", "client.crt")))
    message, path, meter = b"\x5a" * int(size), f"/bench.Load/Bytes{size}.grpc", Meter(float(warm_up), float(seconds))
    if in_flight == "1":
        one_at_a_time(f"127.0.0.1:{port}", credentials, path, message, meter)
    else:
        asyncio.run(many_at_once(f"127.0.0.1:{port}", credentials, path, message, meter, int(in_flight)))
    print(json.dumps(meter.report()))


if __name__ == "__main__":
    main(*sys.argv[1:])
