import datetime as dt
import gzip

import fsspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from guestlist.model.errors import ConfigError, DataError
from guestlist.model.source import Source
from guestlist.sources import open_source


def rows_of(reader, *columns):
    return [tuple(row.values()) for batch in reader.batches(columns) for row in batch.to_pylist()]


@pytest.fixture
def read(tmp_path):
    def read(file, *columns, **source):
        return rows_of(open_source(Source(file=file, **source), None, tmp_path), *columns)

    return read


def test_a_glob_is_read_in_the_order_of_names_each_file_by_its_own_header(tmp_path, read):
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "2.csv").write_text("Email;id\nb@example.com;2\n")
    (tmp_path / "day" / "1.csv").write_text("id,email\n1,a@example.com\n")
    (tmp_path / "day" / "3.txt").write_text("not meant")
    assert read("day/*.csv", "id", "email") == [("1", "a@example.com"), ("2", "b@example.com")]
    (tmp_path / "day" / "4.csv").write_text("id,mail\n1,a@example.com\n")
    with pytest.raises(DataError, match=r"4\.csv \(of day/\*\.csv\) has no column 'email' \(is it mail\?\)"):
        read("day/*.csv", "id", "email")


def test_an_empty_file_among_others_is_no_error(tmp_path, read):
    (tmp_path / "1.csv").write_text("id\n")
    (tmp_path / "2.csv").write_text("id\n7\n")
    assert read("*.csv", "id") == [("7",)]


def test_a_file_whose_name_looks_like_a_glob_is_read(tmp_path, read):
    (tmp_path / "people [1].csv").write_text("id\n7\n")
    assert read("people [1].csv", "id") == [("7",)]


def test_what_is_not_there_is_named(tmp_path, read):
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=r"there is no file people\.csv \(looked for .*/people\.csv\)"):
        read("people.csv", "id")
    with pytest.raises(DataError, match=r"no file matches \*\.csv"):
        read("*.csv", "id")
    with pytest.raises(DataError, match=r"folder is a folder; name the files in it, such as folder/\*\.parquet"):
        read("folder", "id")


def test_an_unknown_ending_needs_a_format(tmp_path, read):
    (tmp_path / "people.dat").write_text("id\tname\n7\tAnna, Jr\n")
    with pytest.raises(ConfigError, match=r"people\.dat: its ending does not tell its format; set `format` to one of csv"):
        read("people.dat", "id")
    assert read("people.dat", "name", format="tsv") == [("Anna, Jr",)]


@pytest.mark.parametrize("address", ["memory://bucket/{}", "file://{}"])
def test_addresses_are_read_through_fsspec(tmp_path, read, address):
    for name, content in {"1.csv": b"id,zip\n1,01234\n", "2.csv.gz": gzip.compress(b"id,zip\n2,01235\n")}.items():
        place = address.format(name) if "memory" in address else address.format(tmp_path / name)
        with fsspec.open(place, "wb") as file:
            file.write(content)
    folder = "memory://bucket" if "memory" in address else f"file://{tmp_path}"
    assert read(f"{folder}/1.csv", "zip") == [("01234",)]
    assert read(f"{folder}/*.csv*", "zip") == [("01234",), ("01235",)]
    with pytest.raises(DataError, match=r"there is no file .*/3\.csv"):
        read(f"{folder}/3.csv", "zip")


def test_addresses_that_nobody_reads_are_config_errors_without_secrets(read):
    with pytest.raises(ConfigError, match="nothing here reads nonsense:// addresses"):
        read("nonsense://bucket/people.csv", "id")
    with pytest.raises(ConfigError, match=r"az://box/people\.csv needs a `connection` beside it") as caught:
        read("az://user:hunter2@box/people.csv?sig=hunter2", "id")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in open_source(Source(file="s3://key:hunter2@box/x.csv"), None, None).describe()


def test_parquet_values_become_plain_text(tmp_path, read):
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.int64()),
            "phone": [4915112345678.0, None],
            "zip": ["01234", None],
            "since": [dt.date(2026, 1, 31)] * 2,
            "tags": [["a"], []],
        }
    )
    parquet.write_table(table, tmp_path / "people.parquet")
    reader = open_source(Source(file="people.parquet"), None, tmp_path)
    assert str(reader.schema().field("since").type) == "date32[day]"
    assert rows_of(reader, "PHONE", "zip", "since", "id") == [
        ("4915112345678", "01234", "2026-01-31", "1"),
        (None, None, "2026-01-31", "2"),
    ]
    with pytest.raises(DataError, match=r"file people\.parquet: column 'tags' is of type list"):
        read("people.parquet", "tags")


def test_parquet_is_streamed(tmp_path):
    with parquet.ParquetWriter(tmp_path / "p.parquet", pa.schema([("id", pa.int64()), ("name", pa.string())])) as writer:
        for start in range(0, 500_000, 50_000):
            names = [f"person {number}" for number in range(50_000)]
            writer.write_table(pa.table({"id": range(start, start + 50_000), "name": names}))
    batches = list(open_source(Source(file="p.parquet"), None, tmp_path).batches(["id"]))
    assert sum(batch.num_rows for batch in batches) == 500_000
    assert len(batches) >= 8
    assert batches[-1]["id"][-1].as_py() == "499999"


def test_a_broken_parquet_file_is_named(tmp_path, read):
    parquet.write_table(pa.table({"id": range(10_000)}), tmp_path / "whole.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "whole.parquet").read_bytes()[:-100])
    (tmp_path / "text.parquet").write_text("id,name\n")
    (tmp_path / "names.parquet").write_bytes((tmp_path / "whole.parquet").read_bytes().replace(b"id", b"i\xff"))
    for name in ("cut", "text", "names"):
        with pytest.raises(DataError, match=rf"file {name}\.parquet is not a whole Parquet file"):
            read(f"{name}.parquet", "id")


def test_ndjson_values_become_text_and_missing_keys_null(tmp_path, read):
    (tmp_path / "p.ndjson").write_text(
        '{"id": 1, "zip": "01234", "ok": true}\n\n{"zip": 12345, "phone": 4915112345678.0, "id": "A"}\n'
        '{"phone": null, "id": 2.5}'
    )
    assert read("p.ndjson", "id", "zip", "ok", "phone") == [
        ("1", "01234", "true", None),
        ("A", "12345", None, "4915112345678"),
        ("2.5", None, None, None),
    ]


def test_a_key_that_few_objects_have_is_found(tmp_path, read):
    (tmp_path / "p.ndjson").write_text('{"id": 1}\n' * 50_000 + '{"id": 2, "IDFA": "x"}\n')
    assert read("p.ndjson", "id", "idfa")[-2:] == [("1", None), ("2", "x")]


def test_a_large_ndjson_file_is_read_in_pieces(tmp_path, read):
    line = '{"id": %d, "name": "Jörg Müller %d", "city": "Köln"}\n'
    (tmp_path / "p.jsonl.gz").write_bytes(gzip.compress("".join(line % (i, i) for i in range(150_000)).encode(), 1))
    rows = read("p.jsonl.gz", "name", "id")
    assert len(rows) == 150_000
    assert rows[0] == ("Jörg Müller 0", "0")
    assert rows[-1] == ("Jörg Müller 149999", "149999")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"id": 1}\n{"id": "Secret"\n', r"p\.ndjson, line 2, character 16: not JSON"),
        ('{"id": 1}\n' * 200_000 + "Secret\n", r"p\.ndjson, line 200001, character 1: not JSON"),
        ('[{"id": 1}]\n', r"p\.ndjson, line 1: not a JSON object; write one object a line"),
        ('{"id": ["Secret"]}\n', "column 'id' is of type list"),
        ('{"id": {"a": "Secret"}}\n', "column 'id' is of type struct"),
        ('{"name": "Secret"}\n', "has no column 'id'; its columns are: name"),
        ("\n\n", r"p\.ndjson gave no rows"),
    ],
)
def test_broken_ndjson_is_named_by_line_and_never_shown(tmp_path, read, content, message):
    (tmp_path / "p.ndjson").write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        read("p.ndjson", "id")
    assert "Secret" not in str(caught.value)


def test_ndjson_that_is_not_utf8_is_named_by_place(tmp_path, read):
    good = '{"id": "ü"}\n'.encode() * 100_000
    (tmp_path / "p.ndjson").write_bytes(good + '{"id": "ü"}\n'.encode("cp1252"))
    with pytest.raises(DataError, match=rf"p\.ndjson is not UTF-8: byte {len(good) + 8} \(line 100001\)"):
        read("p.ndjson", "id")
