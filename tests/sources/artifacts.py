"""dbt's artifacts in their published form: manifest v12 and run results v6, as `dbt build` of dbt 1.11 writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BASE = "model.shop.stg_people"
MODEL = "model.shop.lapsed_vips"
TESTS = {
    "test.shop.unique_stg_people_id.27b08cba8e": BASE,
    "test.shop.unique_lapsed_vips_id.0eb395ebc6": MODEL,
    "test.shop.not_null_lapsed_vips_email.390c071f18": MODEL,
}
UNIT = "unit_test.shop.lapsed_vips.keeps_people"
GOOD = {BASE: "success", MODEL: "success", UNIT: "pass", **dict.fromkeys(TESTS, "pass")}
"""The statuses of a build in which all went well."""


def _node(unique_id: str, *parents: str) -> dict[str, Any]:
    kind, package, name, *_ = unique_id.split(".")
    node = {"unique_id": unique_id, "resource_type": kind, "package_name": package, "name": name}
    return {**node, "depends_on": {"macros": [], "nodes": list(parents)}}


def _result(unique_id: str, status: str, ended: datetime) -> dict[str, Any]:
    began = (ended - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    timing = {"name": "execute", "started_at": began, "completed_at": ended.isoformat().replace("+00:00", "Z")}
    return {
        "unique_id": unique_id,
        "status": status,
        "timing": [] if status == "skipped" else [timing | {"name": "compile"}, timing],
        "thread_id": "Thread-1 (worker)",
        "execution_time": 1.0,
        "adapter_response": {},
        "message": "Got 1 result, configured to fail if != 0: anna@example.com" if status in ("fail", "error") else "OK",
        "failures": 1 if status in ("fail", "warn") else 0,
        "compiled": True,
        "compiled_code": "select 1",
        "relation_name": None,
        "batch_results": None,
    }


def write_artifacts(folder: Path, statuses: Mapping[str, str], built: datetime | None = None, command: str = "build") -> None:
    """The two files of one invocation that ended at ``built``, by default now."""
    ended = built or datetime.now(UTC)
    metadata = {"dbt_version": "1.11.16", "generated_at": ended.isoformat().replace("+00:00", "Z"), "env": {}}
    schemas = "https://schemas.getdbt.com/dbt"
    manifest = {
        "metadata": {**metadata, "dbt_schema_version": f"{schemas}/manifest/v12.json"},
        "nodes": {
            BASE: _node(BASE) | {"version": None},
            MODEL: _node(MODEL, BASE) | {"version": None},
            **{test: _node(test, model) for test, model in TESTS.items()},
        },
        "unit_tests": {UNIT: _node(UNIT, MODEL) | {"name": "keeps_people"}},
    }
    results = {
        "metadata": {**metadata, "dbt_schema_version": f"{schemas}/run-results/v6.json"},
        "results": [_result(unique_id, status, ended) for unique_id, status in statuses.items()],
        "elapsed_time": 2.0,
        "args": {"which": command},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "run_results.json").write_text(json.dumps(results))
