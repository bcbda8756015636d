"""Writes the seeds of the transport's corpora: .cache/venv/bin/python Tests/Fuzz/seeds.py

The files are committed; running this again writes the same ones. Frames come from hyperframe, header blocks from hpack,
compressed messages from zlib, so that no seed depends on the code under test.
"""
import gzip
import pathlib
import struct

from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame, DataFrame, GoAwayFrame, HeadersFrame, PingFrame, PriorityFrame, PushPromiseFrame, RstStreamFrame,
    SettingsFrame, WindowUpdateFrame,
)

CORPUS = pathlib.Path(__file__).parent / "Corpus"
RESPONSE = [(":status", "200"), ("content-type", "application/grpc")]
OK = [("grpc-status", "0"), ("grpc-message", "")]
ERROR = [("grpc-status", "5"), ("grpc-message", "not%20found"), ("grpc-status-details-bin", "CAUSAWQ")]


def write(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(bytes(data))


def message(data, flag=0):
    return struct.pack(">BI", flag, len(data)) + data


def frames(name, *parts, piece=32, settings=()):
    entries = b"".join(struct.pack(">HI", key, value) for key, value in settings)
    write("FuzzFrames", name, bytes([piece, len(settings)]) + entries + b"".join(parts))


def serial(frame, *flags):
    for flag in flags:
        frame.flags.add(flag)
    return frame.serialize()


def headers(stream, fields, *flags, coder=None):
    return serial(HeadersFrame(stream, (coder or Encoder()).encode(fields)), *(flags or ("END_HEADERS",)))


def end(stream, fields, coder=None):
    return headers(stream, fields, "END_HEADERS", "END_STREAM", coder=coder)


def data(stream, payload, *flags):
    return serial(DataFrame(stream, payload), *flags)


def frame_seeds():
    coder = Encoder()
    ack = serial(SettingsFrame(0), "ACK")
    good = headers(1, RESPONSE, coder=coder) + data(1, message(b"abc")) + end(1, OK, coder=coder)
    frames("answer", ack, good)
    frames("answer-bytewise", ack, good, piece=0)
    frames("trailers-only", end(1, RESPONSE + ERROR))
    frames("three-answers", *(headers(n, RESPONSE) + data(n, message(bytes(n))) + end(n, OK) for n in (1, 3, 5)))
    frames("informational", *(headers(1, [(":status", "103")]) for _ in range(3)), headers(1, RESPONSE))
    frames("html", headers(1, [(":status", "502"), ("content-type", "text/html")]), data(1, b"<title>x</title>", "END_STREAM"))
    padded = DataFrame(1, message(b"abc"), pad_length=200)
    frames("padded", headers(1, RESPONSE), serial(padded, "PADDED"), end(1, OK))
    frames("empty-data", headers(1, RESPONSE), *(data(1, b"") for _ in range(20)))
    frames("reset", serial(RstStreamFrame(1, 7)), serial(RstStreamFrame(3, 8)), serial(RstStreamFrame(5, 0)))
    frames("reset-after", headers(1, RESPONSE), data(1, message(b"abc")), end(1, OK), serial(RstStreamFrame(1, 0)))
    frames("goaway", serial(GoAwayFrame(0, last_stream_id=1, error_code=0, additional_data=b"max_age")))
    frames("goaway-twice", *(serial(GoAwayFrame(0, last_stream_id=n, error_code=0)) for n in (0x7FFFFFFF, 3, 5)))
    frames("goaway-pings", serial(GoAwayFrame(0, last_stream_id=0, error_code=11, additional_data=b"too_many_pings")))
    frames("pings", *(serial(PingFrame(0, bytes(8))) for _ in range(30)))
    frames("ping-ack", serial(PingFrame(0, b"\x02\x04\x10\x10\x09\x0e\x07\x07"), "ACK"))
    frames("settings", *(serial(SettingsFrame(0, {4: n})) for n in (0, 1, 65_535, 0x7FFFFFFF)))
    frames("settings-zero", good, settings=((4, 0), (3, 0)))
    frames("settings-odd", good, settings=((1, 0), (2, 0), (3, 1), (5, 16_384), (6, 100), (8, 1)))
    frames("windows", *(serial(WindowUpdateFrame(n, 1_000)) for n in (0, 1, 3, 5)))
    frames("window-overflow", serial(WindowUpdateFrame(1, 0x7FFFFFFF)))
    frames("priority", serial(PriorityFrame(1, depends_on=3, stream_weight=16)))
    frames("push", serial(PushPromiseFrame(1, 2, Encoder().encode(RESPONSE)), "END_HEADERS"))
    block = Encoder().encode(RESPONSE + [("x-%d" % n, "y" * 100) for n in range(50)])
    parts = [block[n:n + 1_000] for n in range(0, len(block), 1_000)]
    joined = serial(HeadersFrame(1, parts[0])) + b"".join(
        serial(ContinuationFrame(1, part), *(["END_HEADERS"] if part is parts[-1] else [])) for part in parts[1:])
    frames("continuation", joined)
    frames("unknown", b"\x00\x00\x04\xbe\x00\x00\x00\x00\x01test", good)
    frames("cut", good[:-3])
    frames("http1", b"HTTP/1.1 400 Bad Request\r\n\r\n")
    frames("gzip", headers(1, RESPONSE + [("grpc-encoding", "gzip")]), data(1, message(gzip.compress(b"a" * 500, mtime=0), 1)), end(1, OK))


def framing_seeds():
    def framing(name, body, is_gzip=False, piece=30):
        write("FuzzFraming", name, bytes([piece << 1 | is_gzip]) + body)

    text = b"Some text that compresses well. " * 100
    packed = gzip.compress(text, mtime=0)
    framing("empty", message(b""))
    framing("plain", message(text))
    framing("plain-bytewise", message(b"abc"), piece=0)
    framing("two", message(b"a") + message(b"b"))
    framing("long-claim", struct.pack(">BI", 0, 0x7FFFFFFF) + b"abc")
    framing("bad-flag", message(b"abc", 7))
    framing("cut-header", b"\x00\x00")
    framing("cut", message(b"abc")[:-1])
    framing("gzip", message(packed, 1), True)
    framing("gzip-bytewise", message(packed, 1), True, piece=0)
    framing("gzip-stored", message(gzip.compress(bytes(range(256)), compresslevel=0, mtime=0), 1), True)
    framing("gzip-empty", message(gzip.compress(b"", mtime=0), 1), True)
    framing("gzip-nothing", message(b"", 1), True)
    framing("gzip-unnamed", message(packed, 1))
    framing("gzip-plain", message(text), True)
    framing("gzip-twice", message(packed + packed, 1), True)
    framing("gzip-cut", message(packed[:-5], 1), True)
    framing("gzip-checksum", message(packed[:-8] + bytes(4) + packed[-4:], 1), True)
    framing("gzip-name", message(b"\x1f\x8b\x08\x08" + packed[4:10] + b"name\x00" + packed[10:], 1), True)
    framing("bomb", message(gzip.compress(bytes(1 << 20), mtime=0), 1), True)
    framing("at-the-limit", message(gzip.compress(bytes(n % 251 for n in range(1 << 16)), mtime=0), 1), True)


def header_seeds():
    def blocks(name, *fields, piece=15):
        coder = Encoder()
        parts = [coder.encode(list(f)) for f in fields]
        # Halves of one length: the first block is filled up with table size updates of the table's own size.
        first = parts[0]
        second = parts[1] if len(parts) > 1 else b""
        while len(first) > len(second):
            second += b"\x10\x01z\x00"
        while len(second) > len(first):
            first += b"\x10\x01z\x00"
        write("FuzzHeaders", name, bytes([piece]) + first + second[:len(first)])

    blocks("answer", RESPONSE, OK)
    blocks("error", RESPONSE, ERROR)
    blocks("indexed", RESPONSE + [("x-a", "1")] * 20, OK + [("x-a", "1")] * 20)
    blocks("many", RESPONSE + [("x-%d" % n, "y") for n in range(250)], OK)
    blocks("long", RESPONSE + [("x", "y" * 20_000)], OK, piece=200)
    blocks("upper", RESPONSE + [("X-Upper", "y")], OK)
    blocks("pseudo", RESPONSE, [(":status", "200")])
    blocks("connection", RESPONSE + [("connection", "close")], OK)
    blocks("length", RESPONSE + [("content-length", "5")], OK)
    blocks("informational", [(":status", "103")], RESPONSE)
    blocks("binary", RESPONSE + [("x-bin", "AAE,AgM=")], ERROR)
    raw = {
        "size-update": b"\x3f\xe1\x1f\x88", "size-lie": b"\x3f\xe1\xff\xff\x7f\x88", "size-zero": b"\x20\x88",
        "index-far": b"\xff\xff\x03", "index-zero": b"\x80", "huffman-end": b"\x00\x84\xff\xff\xff\xff\x00",
        "huffman-pad": b"\x40\x81\x07\x81\x07", "number-long": b"\x7f" + b"\x80" * 20 + b"\x01",
        "references": b"\x88\x40\x01x\x7f\x81\x01" + b"a" * 256 + b"\xbe" * 500,
        "literal-cut": b"\x88\x40\x0aabc", "never-indexed": b"\x88\x10\x01a\x01b",
    }
    for name, block in raw.items():
        write("FuzzHeaders", name, bytes([0]) + block + block)


frame_seeds()
framing_seeds()
header_seeds()
