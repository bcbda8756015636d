"""Tables that differ at random, each with what daff, whose output dbt prints for unit tests, makes of them: one JSON object a line."""

import json
import random
import re
import sys

import daff


def table(columns, rows):
    return daff.PythonTableView([columns] + sorted(rows, key=lambda row: [(cell is None, cell) for cell in row]))


def shown(columns, expected, actual):
    flags = daff.CompareFlags()
    flags.ordered = False
    alignment = daff.Coopy.compareTables(table(columns, expected), table(columns, actual), flags).align()
    diff = daff.TableDiff(alignment, flags)
    diff.hilite(daff.PythonTableView([]))
    result = daff.PythonTableView([])
    diff.hilite(result)
    text = daff.TerminalDiffRender().render(result)
    return diff.hasDifference(), re.sub(r"\x1B(?:[@-Z\\-_]|\[[0-?]*[ -/]*[@-~])", "", text)


def main(seed: int, count: int) -> None:
    dice = random.Random(seed)
    words = ["a", "b", "long text here", "with, comma", 'with "quotes"', " blank", "blank ", "x  y", "x y", "NULL", "_NULL", "é→", ""]
    for number in range(count):
        columns = [f"c{i}" if i % 2 else f"column_{i}" for i in range(dice.randint(1, 8))]
        kinds = [dice.choice(["int", "text", "bool", "few"]) for _ in columns]

        def cell(kind):
            if dice.random() < 0.12:
                return None
            return {"int": dice.randint(0, 30), "text": dice.choice(words), "bool": dice.random() < 0.5, "few": dice.choice("pq")}[kind]

        expected = [[cell(kind) for kind in kinds] for _ in range(dice.randint(0, 12))]
        actual = [list(row) for row in expected]
        for _ in range(dice.randint(0, 4)):
            action = dice.random()
            if action < 0.5 and actual:
                row, column = dice.randrange(len(actual)), dice.randrange(len(columns))
                actual[row][column] = cell(kinds[column])
            elif action < 0.75:
                actual.append([cell(kind) for kind in kinds])
            elif actual:
                actual.pop(dice.randrange(len(actual)))
        different, text = shown(columns, expected, actual)
        print(json.dumps({"columns": columns, "expected": expected, "actual": actual, "different": different, "text": text}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
