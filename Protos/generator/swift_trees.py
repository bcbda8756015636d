"""Conversion between the Swift value types and the trees of C structs."""

from . import c_module, descriptors
from .names import lower_camel, quoted, swift_file
from .swift_types import head

BOOL, STRING, BYTES = 8, 9, 12
# Names that are keywords in C++: protoc-c appends an underscore to them.
C_KEYWORDS = {"namespace", "operator", "default", "class", "new", "delete", "template", "this", "private", "protected"}


def c_field(name):
    lower = name.lower()
    return lower + "_" if lower in C_KEYWORDS else lower


def read(schema, field, source):
    """Swift expression that copies one value out of C."""
    if field.type == descriptors.MESSAGE:
        return f"TreeReader.message({source})"
    if field.type == descriptors.ENUM:
        return f"{schema.swift[field.type_name]}(rawValue: Int32(bitPattern: {source}.rawValue))"
    if field.type == STRING:
        return f"TreeReader.text({source})"
    if field.type == BYTES:
        return f"TreeReader.bytes({source})"
    return f"{source} != 0" if field.type == BOOL else source


def write(schema, field, value):
    """Swift expression that places one value into the arena."""
    if field.type == descriptors.MESSAGE:
        return f"try arena.message({value})"
    if field.type == descriptors.ENUM:
        return f"{c_module.enum_type(field.type_name)}(rawValue: UInt32(bitPattern: {value}.rawValue))"
    if field.type == STRING:
        return f'try arena.text({value}, "{field.name}")'
    if field.type == BYTES:
        return f"try arena.bytes({value})"
    return f"{value} ? 1 : 0" if field.type == BOOL else value


def copying(schema, message):
    lines, done = [], set()
    for field in message.fields:
        c_name, name = c_field(field.name), quoted(lower_camel(field.name))
        source = f"tree.pointee.{c_name}"
        entry = schema.map_entry(field)
        if field.oneof:
            if field.oneof in done:
                continue
            done.add(field.oneof)
            lines.append(f"    switch unsafe tree.pointee.{field.oneof}_case.rawValue {{")
            for member in (item for item in message.fields if item.oneof == field.oneof):
                value = read(schema, member, f"tree.pointee.{c_field(member.name)}")
                name = lower_camel(member.name)
                target = f"{quoted(lower_camel(field.oneof))}"
                if member.type == descriptors.MESSAGE:
                    lines.append(f"    case {member.number}: unsafe {target} = {value}.map {{ .{name}($0) }}")
                else:
                    lines.append(f"    case {member.number}: unsafe {target} = .{name}({value})")
            lines += ["    default: break", "    }"]
        elif entry:
            key = read(schema, entry[0], "$0.pointee.key")
            value = read(schema, entry[1], "$0.pointee.value")
            if entry[1].type == descriptors.MESSAGE:
                value += f" ?? {schema.swift[entry[1].type_name]}()"
            lines.append(f"    unsafe {name} = TreeReader.map(tree.pointee.n_{field.name}, {source}) {{"
                         f" unsafe ({key}, {value}) }}")
        elif field.repeated:
            count = f"tree.pointee.n_{field.name}"
            if field.type == descriptors.MESSAGE:
                lines.append(f"    unsafe {name} = TreeReader.messages({count}, {source})")
            else:
                value = read(schema, field, "$0")
                mark = "unsafe " if "TreeReader" in value else ""
                lines.append(f"    unsafe {name} = TreeReader.list({count}, {source}) {{ {mark}{value} }}")
        else:
            lines.append(f"    unsafe {name} = {read(schema, field, source)}")
    return lines


def filling(schema, message):
    lines, done = [], set()
    for field in message.fields:
        c_name, name = c_field(field.name), quoted(lower_camel(field.name))
        target = f"tree.pointee.{c_name}"
        entry = schema.map_entry(field)
        if field.oneof:
            if field.oneof in done:
                continue
            done.add(field.oneof)
            lines.append(f"    switch {quoted(lower_camel(field.oneof))} {{")
            for member in (item for item in message.fields if item.oneof == field.oneof):
                lines.append(f"    case .{lower_camel(member.name)}(let value)?:")
                lines.append(f"      unsafe tree.pointee.{field.oneof}_case = .init(rawValue: {member.number})")
                lines.append(f"      unsafe tree.pointee.{c_field(member.name)} = {write(schema, member, 'value')}")
            lines += ["    case nil: break", "    }"]
        elif entry:
            prefix, kind = c_module.of(schema, field.type_name)
            lines.append(f"    unsafe tree.pointee.n_{field.name} = {name}.count")
            lines.append(f"    unsafe {target} = try arena.map({name}, sly_{prefix}()) {{ "
                         f"(entry: UnsafeMutablePointer<{kind}>, key, value) throws(WireError) in")
            lines.append(f"      unsafe entry.pointee.key = {write(schema, entry[0], 'key')}")
            lines.append(f"      unsafe entry.pointee.value = {write(schema, entry[1], 'value')}")
            lines.append("    }")
        elif field.repeated:
            lines.append(f"    unsafe tree.pointee.n_{field.name} = {name}.count")
            if field.type == descriptors.MESSAGE:
                lines.append(f"    unsafe {target} = try arena.messages({name})")
            else:
                value = write(schema, field, "$0").replace("try arena.text($0", "try arena.text(value")
                if "arena." in value:
                    lines.append(f"    unsafe {target} = try arena.list({name}) {{ "
                                 f"value throws(WireError) in unsafe {value} }}")
                else:
                    lines.append(f"    unsafe {target} = try arena.list({name}) {{ "
                                 f"value throws(WireError) in {value.replace('$0', 'value')} }}")
        else:
            lines.append(f"    unsafe {target} = {write(schema, field, name)}")
    return lines


def message_lines(schema, message):
    prefix, kind = c_module.of(schema, message.full_name)
    name = schema.swift[message.full_name]
    lines = [
        f"extension {name}: @unsafe TreeMessage {{",
        f"  typealias Tree = {kind}", "",
        f"  static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> {{ unsafe sly_{prefix}() }}", "",
        f'  package static var fullName: String {{ "{message.full_name}" }}', "",
        "  package init(wire: [UInt8], limits: WireLimits) throws(WireError) {",
        "    self = unsafe try Self.decoding(wire, limits: limits)", "  }", "",
        "  package func wire(limits: WireLimits) throws(WireError) -> [UInt8] {",
        "    unsafe try encoding(limits: limits)", "  }", "",
        "  init(copying tree: UnsafePointer<Tree>) {", "    self.init()"]
    lines += copying(schema, message)
    lines += ["  }", "", "  func fill(_ tree: UnsafeMutablePointer<Tree>, in arena: MessageArena) throws(WireError) {"]
    lines += filling(schema, message)
    return lines + ["  }", "}", ""]


def files(schema):
    out = {}
    for file in schema.files:
        messages, _ = schema.in_file(file)
        if not messages:
            continue
        lines = ["internal import CProtobufC", "internal import CTemporalAPI", ""]
        for message in messages:
            lines += message_lines(schema, message)
        out[f"{swift_file(file.name)}Trees.swift"] = head(file) + "\n" + "\n".join(lines).rstrip("\n") + "\n"
    return out
