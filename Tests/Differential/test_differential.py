"""Projects of our own, each built around one area, come out the same as with real dbt, round after round."""

import importlib.util
import time

import compare
import pytest

NAMES = sorted(path.parent.name for path in compare.PROJECTS.glob("*/scenario.py"))


def scenario(name: str):
    spec = importlib.util.spec_from_file_location(f"scenario_{name}", compare.PROJECTS / name / "scenario.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMES)
def test_the_project_is_built_as_dbt_builds_it(name, postgres, tmp_path):
    plan = scenario(name)
    sides = [kind(compare.PROJECTS / name, tmp_path, postgres) for kind in (compare.Dbt, compare.Sallyport)]
    found = []
    try:
        for number, step in enumerate(plan.STEPS, 1):
            started = time.monotonic()
            if not isinstance(step, compare.Command):
                for side in sides:
                    step.apply(side)
            else:
                codes = []
                for side in sides:
                    side.forget()
                    codes.append(side.run(step))
                lines = compare.differences(step, tuple(codes), *sides, getattr(plan, "VOLATILE", {}))
                found += [f"step {number}, {step}: {line}" for line in lines]
            print(f"{name} {number:2}/{len(plan.STEPS)} {step} ({time.monotonic() - started:.1f} s)")
    finally:
        for side in sides:
            side.close()
    tails = "\n".join(f"--- {side.log}\n{side.log.read_text()[-2500:]}" for side in sides) if found else ""
    assert not found, f"{len(found)} differences\n" + "\n".join(found[:60]) + "\n" + tails


def test_there_are_enough_projects():
    assert len(NAMES) >= 5
