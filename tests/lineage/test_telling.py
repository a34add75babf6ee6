"""Lineage may be missing and never fails a task; what a task fails with quotes nobody."""

import logging
import sys
import traceback
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from guestlist.model.errors import DataError
from guestlist.model.lineage import Dataset, Lineage, Query, Read
from guestlist.orchestration.facets import parsed
from guestlist.orchestration.lineage import TellsLineage
from guestlist.orchestration.plainly import UnexpectedError, plainly

FOUND = Lineage((Read(Dataset("file", "/people.csv")),))


class Instance:
    """What a task leaves its errors with."""

    def xcom_push(self, key: str, value: Any) -> None:
        assert "kim@" not in str(value)


CONTEXT = {"ti": Instance()}


class Task(TellsLineage):
    """A task that finds lineage, unless there is trouble with it, and fails if it is told to."""

    def __init__(self, trouble: Exception | None = None, error: Exception | None = None) -> None:
        self.asked = False
        self.trouble = trouble
        self.error = error

    def facts(self, _context: Any, _parse: Any) -> Lineage:
        self.asked = True
        if self.trouble:
            raise self.trouble
        return FOUND

    @plainly
    def execute(self, context: Any) -> str:
        try:
            int("kim@example.com")
        except ValueError:
            if self.error:
                raise self.error  # noqa: B904 - what it came from must not go on
        return "done"

    @property
    def told(self) -> list[str]:
        return [one.name for one in self.get_openlineage_facets_on_complete(None).inputs]


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", '{"type": "console"}')


@pytest.mark.usefixtures("listening")
def test_what_is_gathered_is_told() -> None:
    task = Task()
    assert task.execute(context=CONTEXT) == "done"  # as Airflow calls it
    assert task.told == []
    task.gather({})
    assert task.told == ["/people.csv"]


@pytest.mark.usefixtures("listening")
def test_a_task_that_fails_gathers_by_itself() -> None:
    task = Task(error=DataError("the table is gone"))
    with pytest.raises(DataError):
        task.execute(CONTEXT)
    assert task.told == ["/people.csv"]


@pytest.mark.usefixtures("listening")
def test_a_task_that_is_skipped_tells_nothing() -> None:
    task = Task(error=AirflowSkipException("not chosen"))
    with pytest.raises(AirflowSkipException):
        task.execute(CONTEXT)
    assert not task.asked


def test_without_a_transport_nothing_is_gathered() -> None:
    task = Task()
    task.gather({})
    assert not task.asked


@pytest.mark.usefixtures("listening")
def test_without_the_provider_nothing_is_gathered(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delitem(sys.modules, "airflow.providers.openlineage.conf", raising=False)
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage", None)
    task = Task()
    task.gather({})
    assert not task.asked
    assert caplog.text == ""


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("trouble", [DataError("the table is gone"), ZeroDivisionError("oh")])
def test_trouble_with_lineage_is_a_warning(trouble: Exception, caplog: pytest.LogCaptureFixture) -> None:
    task = Task(trouble)
    with caplog.at_level(logging.WARNING):
        task.gather({})
    assert task.told == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert str(trouble) in caplog.text


QUERIES = {
    "SELECT id, lower(mail) AS email FROM crm.people WHERE x": Query(("crm.people",), {"id": ("id",), "email": ("mail",)}),
    "WITH w AS (SELECT id FROM people) SELECT id FROM w": Query(("people",), {"id": ("id",)}),
    "SELECT p.id, email FROM people p JOIN orders o ON o.id = p.id": Query(("orders", "people")),
    "SELECT * FROM people": Query(("people",)),
    'SELECT id FROM "Odd name".people JOIN b ON true': Query(("b", '"Odd name".people')),
    "FROM people": Query(),
}


@pytest.mark.parametrize("sql", QUERIES)
def test_columns_are_traced_to_a_table_only_where_there_is_no_other(sql: str) -> None:
    assert parsed(sql, "postgres") == QUERIES[sql]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (DataError("column 'zip' is no number"), DataError),
        (KeyError("kim@example.com"), UnexpectedError),
        (AirflowFailException("not every audience is in step"), AirflowFailException),
    ],
)
def test_what_a_task_fails_with_quotes_nobody(error: Exception, raised: type[Exception]) -> None:
    with pytest.raises(raised) as failure:
        Task(error=error).execute(CONTEXT)
    assert "kim@" not in "".join(traceback.format_exception(failure.value)).replace('int("kim@example.com")', "")
