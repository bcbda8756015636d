"""What the executable complains of, as the exceptions that dbt would have raised."""

from __future__ import annotations

import json
import re

import dbt.exceptions as core
from dbt.cli.exceptions import DbtUsageException
from dbt_common import exceptions as common
from dbt_common.dataclass_schema import ValidationError

# By the word in front of " Error".
FAMILIES = {
    "Compilation": common.CompilationError, "Parsing": core.ParsingError, "Database": common.DbtDatabaseError,
    "Runtime": common.DbtRuntimeError, "Internal": common.DbtInternalError, "Dependency": core.DependencyError,
    "Validation": common.DbtValidationError, "Configuration": common.DbtConfigError,
}

# Texts by which one class of a family is told from the others; the first that fits.
MARKS: list[tuple[str, type]] = [
    (r"dbt found two \w+ with the name", core.DuplicateResourceNameError),
    (r"attempted to reference node .* which is not allowed", core.DbtReferenceError),
    (r"has an invalid value \(.*\) for the access field", core.InvalidAccessTypeError),
    (r"depends on a \w+ named '.*' .*which", core.TargetNotFoundError),
    (r"Env var required but not provided", core.EnvVarMissingError),
    (r"Invalid \S+ config given in .* @ .*: .* - ", core.YamlParseDictError),
    (r"Error checking out spec=", core.GitCheckoutError),
    (r"which has a .*that is ambiguous|dbt found two resources with the database representation", core.AmbiguousAliasError),
    (r"Error reading .*: ", core.YamlLoadError),
    (r"The selector named|Could not find selector named", core.DbtSelectorsError),
    (r"dbt could not find models for the following patches", core.PatchTargetNotFoundError),
    (r"This model has an enforced contract that failed", core.ContractError),
    (r"dbt found two macros named", core.DuplicateMacroNameError),
    (r"dbt_project\.yml|at path \[", core.ProjectContractError),
]

ENCOUNTERED = "Encountered an error:\n"


def read(output: str, complaint: str) -> Exception:
    """The exception for an execution that ended with a code of 2 or above."""
    text = told(output)
    if text is None:
        return DbtUsageException(usage(complaint) or f"the executable ended without a word: {complaint}{output}")
    head, _, rest = text.partition("\n")
    match = re.match(r"(\w+) Error\b", head)
    if not match:
        if text == "Error parsing inline query":
            return common.DbtBaseException(text)
        if "ValidationError" in head or "is not valid under any" in text or "Failed validating" in text:
            return ValidationError(text)
        return Exception(text)
    body = "\n".join(line[2:] if line.startswith("  ") else line for line in rest.split("\n"))
    kind = next(
        (found for pattern, found in MARKS if re.search(pattern, body) and match[1] in family(found)),
        FAMILIES.get(match[1], common.DbtRuntimeError))
    return mirrored(kind, text, body)


def family(kind: type) -> set[str]:
    """The words in front of " Error" under which a class may be printed."""
    return {word for word, base in FAMILIES.items() if issubclass(kind, base)}


def told(output: str) -> str | None:
    """The text after the mark, from text lines or from JSON lines."""
    for line in output.splitlines():
        if line.startswith("{") and "MainEncounteredError" in line:
            event = json.loads(line)
            return event["info"]["msg"].partition(ENCOUNTERED)[2] or event["info"]["msg"]
    _, mark, rest = output.partition(ENCOUNTERED)
    if not mark:
        return None
    lines = []
    for line in rest.split("\n"):
        if re.match(r"\d\d:\d\d:\d\d  ", line):
            break
        lines.append(line)
    return "\n".join(lines).rstrip()


def usage(complaint: str) -> str:
    return complaint.rpartition("Error: ")[2].strip()


def mirrored(kind: type, text: str, body: str) -> Exception:
    """An instance of a class with a text that was printed elsewhere."""

    def init(self):
        Exception.__init__(self, body)
        self.stack, self.node, self.msg = [], None, body

    return type(kind.__name__, (kind,), {"__init__": init, "__str__": lambda self: text})()
