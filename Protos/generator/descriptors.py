"""Reads a FileDescriptorSet, as protoc writes it, with nothing but Python's own library."""

from dataclasses import dataclass, field as members

REPEATED = 3
ENUM, MESSAGE = 14, 11


@dataclass
class Field:
    name: str
    number: int
    repeated: bool
    type: int
    type_name: str
    oneof: "str | None"
    comment: str


@dataclass
class EnumValue:
    name: str
    number: int
    comment: str


@dataclass
class Enum:
    full_name: str
    name: str
    values: list
    comment: str
    file: str = ""


@dataclass
class Message:
    full_name: str
    name: str
    fields: list
    messages: list
    enums: list
    oneofs: list
    map_entry: bool
    comment: str
    file: str = ""


@dataclass
class File:
    name: str
    package: str
    messages: list = members(default_factory=list)
    enums: list = members(default_factory=list)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def records(data):
    """Yields (field number, value) of one encoded message: integers, or bytes."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {kind} in a descriptor")
        yield tag >> 3, value


def gather(data):
    out = {}
    for number, value in records(data):
        out.setdefault(number, []).append(value)
    return out


def text(values, number):
    return values[number][-1].decode("utf-8") if number in values else ""


def comments(source_info):
    """Leading comments by descriptor path."""
    found = {}
    for data in gather(source_info).get(1, []):
        location = gather(data)
        if 3 not in location:
            continue
        path, at, packed = [], 0, location.get(1, [b""])[-1]
        while at < len(packed):
            value, at = varint(packed, at)
            path.append(value)
        found[tuple(path)] = " ".join(line.strip() for line in text(location, 3).splitlines()).strip()
    return found


def parse_enum(data, scope, notes, path):
    values = gather(data)
    name = text(values, 1)
    cases = []
    for index, item in enumerate(values.get(2, [])):
        parts = gather(item)
        number = parts.get(2, [0])[-1]
        if number >= 1 << 63:
            number -= 1 << 64
        cases.append(EnumValue(text(parts, 1), number, notes.get(path + (2, index), "")))
    return Enum(f"{scope}.{name}", name, cases, notes.get(path, ""))


def parse_message(data, scope, notes, path):
    values = gather(data)
    name = text(values, 1)
    full_name = f"{scope}.{name}"
    oneofs = [text(gather(item), 1) for item in values.get(8, [])]
    fields = []
    for index, item in enumerate(values.get(2, [])):
        parts = gather(item)
        if parts.get(17, [0])[-1]:
            raise ValueError(f"{full_name}: proto3 optional fields are not supported")
        fields.append(Field(
            name=text(parts, 1), number=parts[3][-1], repeated=parts[4][-1] == REPEATED, type=parts[5][-1],
            type_name=text(parts, 6).lstrip("."), oneof=oneofs[parts[9][-1]] if 9 in parts else None,
            comment=notes.get(path + (2, index), "")))
    options = gather(values[7][-1]) if 7 in values else {}
    return Message(
        full_name=full_name, name=name, fields=sorted(fields, key=lambda item: item.number),
        messages=[parse_message(item, full_name, notes, path + (3, index))
                  for index, item in enumerate(values.get(3, []))],
        enums=[parse_enum(item, full_name, notes, path + (4, index)) for index, item in enumerate(values.get(4, []))],
        oneofs=oneofs, map_entry=bool(options.get(7, [0])[-1]), comment=notes.get(path, ""))


def parse(data):
    """All files of the set, in protoc's order made stable by name."""
    files = []
    for item in gather(data).get(1, []):
        values = gather(item)
        notes = comments(values[9][-1]) if 9 in values else {}
        package = text(values, 2)
        files.append(File(
            text(values, 1), package,
            [parse_message(data, package, notes, (4, index)) for index, data in enumerate(values.get(4, []))],
            [parse_enum(data, package, notes, (5, index)) for index, data in enumerate(values.get(5, []))]))
    return sorted(files, key=lambda file: file.name)
