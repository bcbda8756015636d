"""What each definition is called in Swift, and what its C counterpart is called."""

from . import descriptors

# Names that say too little, or mean something else in Swift, once their package is gone.
RENAMED = {
    "google.protobuf.Any": "ProtoAny",
    "google.protobuf.DoubleValue": "ProtoDoubleValue",
    "google.protobuf.Duration": "ProtoDuration",
    "google.protobuf.Timestamp": "ProtoTimestamp",
    "google.rpc.Status": "RPCStatus",
    "temporal.api.protocol.v1.Message": "ProtocolMessage",
    "temporal.api.update.v1.Acceptance": "UpdateAcceptance",
    "temporal.api.update.v1.Input": "UpdateInput",
    "temporal.api.update.v1.Meta": "UpdateMeta",
    "temporal.api.update.v1.Outcome": "UpdateOutcome",
    "temporal.api.update.v1.Rejection": "UpdateRejection",
    "temporal.api.update.v1.Request": "UpdateRequest",
    "temporal.api.update.v1.Response": "UpdateResponse",
    "temporal.api.update.v1.WaitPolicy": "UpdateWaitPolicy",
}
CAPITALS = {"id": "ID", "url": "URL", "http": "HTTP", "https": "HTTPS"}
RESERVED = {
    "as", "break", "case", "catch", "class", "continue", "default", "defer", "do", "else", "enum", "extension", "false",
    "for", "func", "if", "import", "in", "init", "internal", "is", "let", "nil", "operator", "private", "protocol",
    "public", "repeat", "return", "self", "static", "struct", "subscript", "super", "switch", "throw", "throws", "true",
    "try", "var", "where", "while",
}
SCALARS = {
    1: ("Double", "0"), 2: ("Float", "0"), 3: ("Int64", "0"), 4: ("UInt64", "0"), 5: ("Int32", "0"),
    8: ("Bool", "false"), 9: ("String", '""'), 12: ("[UInt8]", "[]"), 13: ("UInt32", "0"),
}


def lower_camel(snake):
    """`workflow_run_id` becomes `workflowRunID`."""
    first, *rest = snake.lower().split("_")
    return first + "".join(CAPITALS.get(word, word.capitalize()) for word in rest if word)


def upper_camel(snake):
    return "".join(CAPITALS.get(word, word.capitalize()) for word in snake.lower().split("_") if word)


def quoted(name):
    return f"`{name}`" if name in RESERVED else name


def screaming(name):
    """`TaskQueueKind` becomes `TASK_QUEUE_KIND`."""
    out = ""
    for index, letter in enumerate(name):
        if letter.isupper() and index and not name[index - 1].isupper():
            out += "_"
        out += letter.upper()
    return out


def case_names(enum):
    """Swift case names, without the prefix that proto needs because its values share one scope."""
    prefix = screaming(enum.name) + "_"
    strip = all(value.name.startswith(prefix) for value in enum.values)
    return [lower_camel(value.name[len(prefix):] if strip else value.name) for value in enum.values]


class Schema:
    """All messages and enums with their Swift and C names."""

    def __init__(self, files, symbols):
        self.files = files
        self.symbols = symbols
        self.messages, self.enums, self.swift = {}, {}, {}
        for file in files:
            for message in file.messages:
                self._add_message(message, file)
            for enum in file.enums:
                self._add_enum(enum, file)
        taken = {}
        for full_name, name in self.swift.items():
            if name in taken:
                raise ValueError(f"{full_name} and {taken[name]} would both be {name}: add one to RENAMED")
            taken[name] = full_name

    def _swift_name(self, item, file):
        return RENAMED.get(item.full_name, item.full_name[len(file.package) + 1:].replace(".", ""))

    def _add_message(self, message, file):
        message.file = file.name
        self.messages[message.full_name] = message
        if not message.map_entry:
            self.swift[message.full_name] = self._swift_name(message, file)
        for nested in message.messages:
            self._add_message(nested, file)
        for enum in message.enums:
            self._add_enum(enum, file)

    def _add_enum(self, enum, file):
        enum.file = file.name
        self.enums[enum.full_name] = enum
        self.swift[enum.full_name] = self._swift_name(enum, file)

    def in_file(self, file):
        """The messages (not map entries) and enums of a file, outer before inner."""
        messages = [item for item in self.messages.values() if item.file == file.name and not item.map_entry]
        return messages, [item for item in self.enums.values() if item.file == file.name]

    def map_entry(self, field):
        """The (key, value) fields when `field` is a map."""
        if field.type != descriptors.MESSAGE or not self.messages[field.type_name].map_entry:
            return None
        return self.messages[field.type_name].fields

    def boxed(self, message, field):
        """True when the field would make the struct contain itself."""
        if field.repeated or field.type != descriptors.MESSAGE:
            return False
        seen, todo = set(), [field.type_name]
        while todo:
            name = todo.pop()
            if name == message.full_name:
                return True
            if name in seen:
                continue
            seen.add(name)
            todo += [item.type_name for item in self.messages[name].fields
                     if item.type == descriptors.MESSAGE and not item.repeated]
        return False

    def element(self, field):
        """Swift type of one value of the field, and its default."""
        if field.type == descriptors.MESSAGE:
            return self.swift[field.type_name], "nil"
        if field.type == descriptors.ENUM:
            return self.swift[field.type_name], "." + case_names(self.enums[field.type_name])[0]
        if field.type not in SCALARS:
            raise ValueError(f"{field.name}: proto type {field.type} is not supported")
        return SCALARS[field.type]

    def property_type(self, field):
        """Swift type and default value of the property for a field outside a oneof."""
        entry = self.map_entry(field)
        if entry:
            return f"[{self.element(entry[0])[0]}: {self.element(entry[1])[0]}]", "[:]"
        name, default = self.element(field)
        if field.repeated:
            return f"[{name}]", "[]"
        return (f"{name}?", "nil") if field.type == descriptors.MESSAGE else (name, default)


def swift_file(path):
    """`temporal/history_task.proto` becomes `HistoryTask`."""
    stem = path.rsplit("/", 1)[-1].removesuffix(".proto")
    return upper_camel(stem)
