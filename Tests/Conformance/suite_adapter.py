"""The suite's own Python adapter, which tests look into the database with."""

from __future__ import annotations

import contextlib
from argparse import Namespace

import dbt.flags
from dbt.adapters.factory import get_adapter, get_adapter_by_type, register_adapter, reset_adapters
from dbt.config.runtime import RuntimeConfig
from dbt.context.providers import generate_runtime_macro_context
from dbt.mp_context import get_mp_context
from dbt.parser.manifest import ManifestLoader

_macros = None


def renew(params: dict) -> None:
    """Replaces the adapter by a fresh one for the command's target, so that nothing it cached is left.

    A project or a profile that cannot be read leaves the old one in place, without its cache.
    """
    global _macros
    with contextlib.suppress(KeyError):
        get_adapter_by_type("postgres").cache.clear()
    args = Namespace(
        profiles_dir=params.get("profiles_dir") and str(params["profiles_dir"]),
        project_dir=params.get("project_dir") and str(params["project_dir"]), target=params.get("target"),
        profile=params.get("profile"), threads=params.get("threads"), vars=params.get("vars") or {})
    try:
        dbt.flags.set_from_args(args, {})
        config = RuntimeConfig.from_args(args)
    except Exception:
        return
    with contextlib.suppress(KeyError):
        get_adapter_by_type("postgres").cleanup_connections()
    reset_adapters()
    register_adapter(config, get_mp_context())
    adapter = get_adapter(config)
    if _macros is None:
        _macros = ManifestLoader.load_macros(config, adapter.connections.set_query_header, base_macros_only=True)
    adapter.set_macro_resolver(_macros)
    adapter.set_macro_context_generator(generate_runtime_macro_context)
    # What dbt's own commands leave behind on the thread they ran on; opened by its first statement.
    adapter.acquire_connection("master")
