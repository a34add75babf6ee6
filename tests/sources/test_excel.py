"""Workbooks are written here part by part, as Excel itself stores them: no library that writes them is installed."""

import zipfile
from xml.sax.saxutils import escape

import pytest

from guestlist.model.errors import DataError
from guestlist.model.source import Source
from guestlist.sources import open_source

NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
DATE, DATETIME = 1, 2  # styles: number formats 14 and 22


def cell(reference, value):
    if value is None:
        return ""
    if value == "#N/A":
        return f'<c r="{reference}" t="e"><v>{value}</v></c>'
    if isinstance(value, tuple):
        return f'<c r="{reference}" s="{value[1]}"><v>{value[0]}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{reference}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{reference}"><v>{value!r}</v></c>'


def write_workbook(path, **sheets):
    with zipfile.ZipFile(path, "w") as book:
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{TYPES}"><Default Extension="xml" ContentType="{kind}.sheet.main+xml"/></Types>',
        )
        target = f'<Relationship Id="r0" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
        book.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}">{target}</Relationships>')
        listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, 1))
        book.writestr("xl/workbook.xml", f'<workbook {NAMESPACE} xmlns:r="{RELATIONS}"><sheets>{listed}</sheets></workbook>')
        places = "".join(
            f'<Relationship Id="r{n}" Type="{RELATIONS}/worksheet" Target="s{n}.xml"/>' for n, _ in enumerate(sheets, 1)
        )
        styles = f'<Relationship Id="r99" Type="{RELATIONS}/styles" Target="styles.xml"/>'
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}">{places}{styles}</Relationships>')
        formats = "".join(f'<xf numFmtId="{number}" applyNumberFormat="1"/>' for number in (0, 14, 22))
        book.writestr("xl/styles.xml", f'<styleSheet {NAMESPACE}><cellXfs count="3">{formats}</cellXfs></styleSheet>')
        for n, rows in enumerate(sheets.values(), 1):
            lines = "".join(
                f'<row r="{y}">{"".join(cell(f"{chr(64 + x)}{y}", value) for x, value in enumerate(row, 1))}</row>'
                for y, row in enumerate(rows, 1)
            )
            book.writestr(f"xl/s{n}.xml", f"<worksheet {NAMESPACE}><sheetData>{lines}</sheetData></worksheet>")


@pytest.fixture
def read(tmp_path):
    def read(*columns, **source):
        reader = open_source(Source(file="book.xlsx", **source), None, tmp_path)
        return [tuple(row.values()) for batch in reader.batches(columns) for row in batch.to_pylist()]

    return read


def test_cells_become_plain_text(tmp_path, read):
    write_workbook(
        tmp_path / "book.xlsx",
        People=[
            ["id", "phone", "zip", "since", "seen", "ok", "ltv", "note"],
            [1, 4915112345678, "01234", (46053, DATE), (46053.5, DATETIME), True, 12.5, "Müller & Söhne"],
            [2.0, "0049 151", 1234, None, None, False, None, " "],
        ],
    )
    assert read("phone", "id", "zip", "since", "seen", "ok", "ltv", "note") == [
        ("4915112345678", "1", "01234", "2026-01-31", "2026-01-31T12:00:00", "true", "12.5", "Müller & Söhne"),
        ("0049 151", "2", "1234", None, None, "false", None, " "),
    ]


def test_a_failed_formula_is_no_value(tmp_path, read):
    write_workbook(tmp_path / "book.xlsx", S=[["id", "phone"], ["1", "#N/A"], ["2", "0151"]])
    assert read("id", "phone") == [("1", None), ("2", "0151")]


def test_the_sheet_can_be_chosen_and_else_is_the_first(tmp_path, read):
    write_workbook(tmp_path / "book.xlsx", Old=[["id"], ["old"]], New=[["id"], ["new"]])
    assert read("id") == [("old",)]
    assert read("id", sheet="New") == [("new",)]
    with pytest.raises(DataError, match=r"file book\.xlsx has no sheet 'new'; its sheets are: Old, New"):
        read("id", sheet="new")


def test_columns_are_found_by_name(tmp_path, read):
    write_workbook(tmp_path / "book.xlsx", S=[["a", "B", "twice", "twice", None], ["1", "2", "3", "4", "5"]])
    assert read("b", "a") == [("2", "1")]
    with pytest.raises(DataError, match="has 2 columns called 'twice'"):
        read("twice")
    with pytest.raises(DataError, match="has no column 'c'"):
        read("c")


def test_empty_and_broken_workbooks_are_named(tmp_path, read):
    write_workbook(tmp_path / "book.xlsx", S=[])
    with pytest.raises(DataError, match=r"file book\.xlsx is empty"):
        read("a")
    write_workbook(tmp_path / "book.xlsx", S=[["a"]])
    with pytest.raises(DataError, match=r"file book\.xlsx gave no rows"):
        read("a")
    (tmp_path / "book.xlsx").write_bytes(b"no workbook")
    with pytest.raises(DataError, match=r"file book\.xlsx is not a readable Excel workbook"):
        read("a")


def test_a_large_sheet_comes_in_batches(tmp_path):
    write_workbook(tmp_path / "book.xlsx", S=[["id", "name"], *([number, f"person {number}"] for number in range(70_000))])
    batches = list(open_source(Source(file="book.xlsx"), None, tmp_path).batches(["id"]))
    assert [batch.num_rows for batch in batches] == [65_536, 4_464]
    assert batches[-1]["id"][-1].as_py() == "69999"
