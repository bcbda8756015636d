"""Makes semantic manifests of every kind and writes what MetricFlow's own packages make of them: one JSON object a line.

Usage: oracle.py SEED COUNT, where COUNT is the number of random mutants beside the written manifests of corpus.py.

Each line has the input and either `refused`, the class of the exception that ends dbt while it reads the resources, or
`document` (the text of semantic_manifest.json), `issues` (level and message, in dbt's order) and one of `osi` (the text of
osi_document.json, with `osi_issues`) and `osi_error` (class, message, and whether dbt catches it).

What is not compared letter by letter, because it depends on the machine or on the hashes of one process:

- Python's stack, which messages of filters that cannot be read quote below "Traceback:"; it is cut out here.
- The order of a set of texts in a message (natural entities, semantic models of an element, reserved keywords, window
  groupings, granularities given twice, valid date parts); both sides sort what stands between the braces.
- Integers beyond 64 bits: `PlainValue` has none, and the corpus makes none.
- The words of a RecursionError, and the exact depth at which it comes.
- Messages of exceptions that dbt does not catch: only their class.
"""

import functools
import gc
import json
import logging
import os
import re
import sys
import warnings

import corpus

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

from metricflow.converters.msi_to_osi import MSIToOSIConverter
from metricflow_semantic_interfaces.implementations import project_configuration
from metricflow_semantic_interfaces.implementations.metric import PydanticMetric
from metricflow_semantic_interfaces.implementations.node_relation import PydanticNodeRelation
from metricflow_semantic_interfaces.implementations.project_configuration import PydanticProjectConfiguration
from metricflow_semantic_interfaces.implementations.saved_query import PydanticSavedQuery
from metricflow_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest
from metricflow_semantic_interfaces.implementations.semantic_model import PydanticSemanticModel
from metricflow_semantic_interfaces.implementations.time_spine import (
    PydanticTimeSpine,
    PydanticTimeSpineCustomGranularityColumn,
    PydanticTimeSpinePrimaryColumn,
)
from metricflow_semantic_interfaces.implementations.time_spine_table_configuration import (
    PydanticTimeSpineTableConfiguration,
)
from metricflow_semantic_interfaces.type_enums import TimeGranularity
from metricflow_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator

# Reading the version of a package takes longer than anything else here.
project_configuration.version = functools.cache(project_configuration.version)
VALIDATOR = SemanticManifestValidator()
STACK = re.compile(r"(?<=Traceback:\n)(?: {4}.*\n)+")


def spine(given):
    return PydanticTimeSpine(
        node_relation=PydanticNodeRelation(
            alias=given["alias"],
            schema_name=given["schema_name"],
            database=given["database"],
            relation_name=given["relation_name"],
        ),
        primary_column=PydanticTimeSpinePrimaryColumn(
            name=given["primary_column"], time_granularity=TimeGranularity(given["granularity"])
        ),
        custom_granularities=[
            PydanticTimeSpineCustomGranularityColumn(name=name, column_name=column)
            for name, column in given["custom_granularities"]
        ],
    )


def manifest_of(case):
    """What dbt's `_get_pydantic_semantic_manifest` makes, without its own checks."""
    manifest = PydanticSemanticManifest(
        metrics=[],
        semantic_models=[],
        project_configuration=PydanticProjectConfiguration(
            time_spine_table_configurations=[], time_spines=[spine(given) for given in case["time_spines"]]
        ),
    )
    for model in case["semantic_models"]:
        manifest.semantic_models.append(PydanticSemanticModel.parse_obj(model))
    for metric in case["metrics"]:
        manifest.metrics.append(PydanticMetric.parse_obj(metric))
    for query in case["saved_queries"]:
        manifest.saved_queries.append(PydanticSavedQuery.parse_obj(query))
    if case["former"] is not None:
        manifest.project_configuration.time_spine_table_configurations = [
            PydanticTimeSpineTableConfiguration(
                location=case["former"], column_name="date_day", grain=TimeGranularity.DAY
            )
        ]
    return manifest


def issues_of(manifest):
    found = VALIDATOR.validate_semantic_manifest(manifest)
    levels = [("warning", found.warnings), ("future_error", found.future_errors), ("error", found.errors)]
    return [[level, STACK.sub("", issue.message)] for level, issues in levels for issue in issues]


def conversion_of(manifest):
    try:
        result = MSIToOSIConverter().convert(manifest)
    except Exception as error:  # every class is an answer
        caught = isinstance(error, RuntimeError)
        return {"osi_error": {"class": type(error).__name__, "message": str(error) if caught else "", "caught": caught}}
    issues = [[issue.issue_type.value, issue.element_name] for issue in result.issues]
    return {"osi": result.output.to_osi_json(), "osi_issues": issues}


def answer(case):
    try:
        manifest = manifest_of(case)
    except Exception as error:
        return {"refused": type(error).__name__}
    return {
        "document": manifest.json(),
        "issues": issues_of(manifest),
        **conversion_of(manifest),
    }


def main():
    gc.set_threshold(200_000, 20, 100)  # Little goes in circles here, and looking for it takes a third of the time.
    output, sys.stdout = sys.stdout, open(os.devnull, "w")
    for name, case in corpus.cases(int(sys.argv[1]), int(sys.argv[2])):
        # Readers may change what they are given.
        text = json.dumps(case)
        print(json.dumps({"name": name, "input": json.loads(text), **answer(case)}), file=output)


if __name__ == "__main__":
    main()
