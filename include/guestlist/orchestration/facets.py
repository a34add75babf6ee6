"""Lineage in OpenLineage's words, and what its parser tells of a query. Only where its provider is there, this is loaded."""

from __future__ import annotations

from typing import Any

from airflow.providers.openlineage.extractors import OperatorLineage
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    OutputDatasetFacet,
    column_lineage_dataset,
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    input_statistics_input_dataset,
    output_statistics_output_dataset,
    schema_dataset,
)
from openlineage_sql import parse  # type: ignore[import-untyped]

from guestlist.model.lineage import Lineage, Made, Origin, Query, Read

OWN_FACET = "guestlist"
"""The name of our own facet. It keeps to the published schema of any output facet, which lets it hold more."""


def facets_of(lineage: Lineage) -> OperatorLineage:
    """What the provider puts into a task's event."""
    return OperatorLineage(inputs=[_input(one) for one in lineage.read], outputs=[_output(one) for one in lineage.made])


def parsed(sql: str, connection_type: str) -> Query:
    """What OpenLineage's parser tells of a query; nothing where it does not understand it."""
    found = parse([sql], dialect=connection_type)
    if found is None or found.errors:
        return Query()
    tables = tuple(_written(table) for table in found.in_tables)
    if len(tables) != 1:
        return Query(tables)
    return Query(tables, {one.descendant.name: tuple(of.name for of in one.lineage) for one in found.column_lineage})


def _written(table: Any) -> str:
    """A table's name with the quotes that it has in the query; the parser takes them off."""
    quotes = table.quote_style
    named = ((getattr(table, part), quotes and getattr(quotes, part)) for part in ("database", "schema", "name"))
    return ".".join(_quoted(name) if quote else name for name, quote in named if name)


def _input(read: Read) -> InputDataset:
    facets: dict[str, InputDatasetFacet] = {}
    if read.rows is not None:
        facets["inputStatistics"] = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=read.rows)
    if read.filled:
        facets["dataQualityMetrics"] = data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
            rowCount=read.checked_rows,
            columnMetrics={
                name: data_quality_metrics_input_dataset.ColumnMetrics(nullCount=column.missing, count=column.count)
                for name, column in read.filled.items()
            },
        )
    if read.checks:
        facets["dataQualityAssertions"] = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
            assertions=[
                data_quality_assertions_dataset.Assertion(
                    assertion=check.guard,
                    name=f"{check.label}.{check.guard}",
                    success=check.passed,
                    severity="error",
                    expected=check.expected,
                    actual=check.found,
                )
                for check in read.checks
            ]
        )
    return InputDataset(read.dataset.namespace, read.dataset.name, facets=_schema(read.columns), inputFacets=facets)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _output(made: Made) -> OutputDataset:
    lineage = column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={
            name: column_lineage_dataset.Fields(inputFields=[_input_field(one) for one in origins])
            for name, origins in made.origins.items()
        },
        dataset=[_input_field(one) for one in made.chosen_by],
    )
    facets: dict[str, Any] = {}
    if made.rows is not None:
        facets["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=made.rows)
    if made.told:
        facets[OWN_FACET] = OutputDatasetFacet().with_additional_properties(**made.told)
    about = {**_schema(made.columns), "columnLineage": lineage}
    return OutputDataset(made.dataset.namespace, made.dataset.name, facets=about, outputFacets=facets)


def _schema(columns: Any) -> dict[str, DatasetFacet]:
    if not columns:
        return {}
    fields = [schema_dataset.SchemaDatasetFacetFields(name=name, type=kind or None) for name, kind in columns.items()]
    return {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)}


def _input_field(origin: Origin) -> column_lineage_dataset.InputField:
    kind, subtype = origin.use.value
    how = column_lineage_dataset.Transformation(type=kind, subtype=subtype, description=origin.how, masking=origin.masked)
    return column_lineage_dataset.InputField(origin.dataset.namespace, origin.dataset.name, origin.column, [how])
