"""A TCP relay that spoils connections on purpose: it delays, drips, goes silent, cuts or resets what passes through it.

It stands where the network would: a worker is given the relay's address, the relay dials the real part. Faults hold for the
connections that are open when they begin, or also for later ones, as each says. One thread serves everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
import struct
import threading
import time

import stage


@dataclasses.dataclass
class Weather:
    """What happens to bytes on their way. A connection keeps the weather it has until it is given another."""

    delay: float = 0.0  # seconds each piece waits
    bytes_per_second: float | None = None  # towards the worker; None: as fast as it goes
    is_silent: bool = False  # nothing is read from either side, and nothing closed: a peer that hangs


class Connection:
    def __init__(self, weather: Weather):
        self.weather = weather
        self.writers: list[asyncio.StreamWriter] = []
        self.carried = 0

    def end(self, abruptly: bool):
        for writer in self.writers:
            if abruptly:
                # A linger time of zero makes close() send RST instead of FIN.
                with contextlib.suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                with contextlib.suppress(Exception):
                    writer.close()


class Relay:
    """Relays from a free port of 127.0.0.1 to `target`. Leave its `with` block, or call `stop`, to end it."""

    PIECE = 16 << 10

    def __init__(self, target: int):
        self.target = target
        self.port = stage.free_port()
        self.weather = Weather()
        self.refuses = False
        self.accepted = 0
        self._open: set[Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> "Relay":
        self._thread.start()
        self._server = self._await(asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=self.PIECE))
        return self

    def stop(self):
        if not self._thread.is_alive():
            return
        self._await(self._shut_down())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> "Relay":
        return self.start()

    def __exit__(self, kind, error, trace):
        self.stop()

    # What tests do

    @property
    def open_connections(self) -> int:
        return self._await(self._count())

    def reset(self) -> int:
        """Resets (RST) every open connection, on both sides. How many there were."""
        return self._await(self._end_all(abruptly=True))

    def cut(self) -> int:
        """Closes (FIN) every open connection, wherever it stands in a frame. How many there were."""
        return self._await(self._end_all(abruptly=False))

    def change(self, later_too: bool = True, **faults):
        """New weather for every open connection; `later_too`: for those to come as well."""
        self._await(self._change(Weather(**faults), later_too))

    def clear(self):
        """Good weather for all."""
        self.change()

    def refuse(self, refuses: bool = True):
        """Whether new connections are reset as soon as they come."""
        self.refuses = refuses

    # How

    def _await(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _count(self) -> int:
        return len(self._open)

    async def _change(self, weather: Weather, later_too: bool):
        for connection in self._open:
            connection.weather = weather
        if later_too:
            self.weather = weather

    async def _end_all(self, abruptly: bool) -> int:
        open_ones = list(self._open)
        for connection in open_ones:
            connection.end(abruptly)
        return len(open_ones)

    async def _shut_down(self):
        self._server.close()
        await self._end_all(abruptly=True)
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.accepted += 1
        connection = Connection(self.weather)
        connection.writers.append(writer)
        if self.refuses:
            return connection.end(abruptly=True)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target, limit=self.PIECE)
        except OSError:
            return connection.end(abruptly=True)
        connection.writers.append(far_writer)
        self._open.add(connection)
        try:
            await asyncio.gather(
                self._carry(connection, reader, far_writer, towards_worker=False),
                self._carry(connection, far_reader, writer, towards_worker=True))
        except (OSError, asyncio.CancelledError):  # a broken connection, or the relay's end: asyncio would log either
            pass
        finally:
            self._open.discard(connection)
            connection.end(abruptly=False)

    async def _carry(self, connection: Connection, reader, writer, towards_worker: bool):
        while True:
            while connection.weather.is_silent:
                await asyncio.sleep(0.05)
            piece = await reader.read(self.PIECE)
            # The weather may have changed while nothing came.
            while connection.weather.is_silent:
                await asyncio.sleep(0.05)
            if not piece:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            if connection.weather.delay:
                await asyncio.sleep(connection.weather.delay)
            await self._pass_on(connection, piece, writer, towards_worker)

    async def _pass_on(self, connection: Connection, piece: bytes, writer, towards_worker: bool):
        rate = connection.weather.bytes_per_second if towards_worker else None
        while rate is not None and piece:
            writer.write(piece[:1])
            piece = piece[1:]
            connection.carried += 1
            begun = time.monotonic()
            while time.monotonic() - begun < 1 / rate and connection.weather.bytes_per_second == rate:
                await asyncio.sleep(min(0.05, 1 / rate))
            rate = connection.weather.bytes_per_second
        writer.write(piece)
        connection.carried += len(piece)
        await writer.drain()
