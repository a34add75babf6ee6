import codecs
import csv
import gzip
import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestlist.model.errors import ConfigError, DataError
from guestlist.model.source import Source
from guestlist.sources import open_source

PEOPLE = "id{d}name{d}phone{d}zip\n1{d}Jörg{d}004915112345{d}01234\n2{d}Zoë{d}+49 151{d}\n"


@pytest.fixture
def read(tmp_path):
    def read(content, *columns, name="people.csv", **source):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        reader = open_source(Source(file=name, **source), None, tmp_path)
        return [tuple(row.values()) for batch in reader.batches(columns) for row in batch.to_pylist()]

    return read


def test_values_stay_exactly_as_written(read):
    content = "id,phone,note\n0012,004915112345, spaces \n1e5,+49 151,NULL\nTrue,1.0,\n"
    assert read(content, "id", "phone", "note") == [
        ("0012", "004915112345", " spaces "),
        ("1e5", "+49 151", "NULL"),
        ("True", "1.0", ""),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_delimiter_and_encoding_are_found(read, delimiter, encoding):
    content = PEOPLE.format(d=delimiter).encode(encoding)
    assert read(content, "zip", "name") == [("01234", "Jörg"), ("", "Zoë")]


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "latin-1", "cp1251", "shift_jis"])
def test_a_declared_encoding_is_taken(read, encoding):
    name = {"cp1251": "Анна", "shift_jis": "花子"}.get(encoding, "Zoë")
    assert read(f"id,name\n1,{name}\n".encode(encoding), "name", encoding=encoding) == [(name,)]


def test_polish_of_old_exports_is_found(read):
    names = ["Łukasz Wójcik", "Agnieszka Kowalczyk", "Stanisław Gołębiowski", "Małgorzata Śliwińska", "Józef Żak"] * 8
    content = "id,name\n" + "".join(f"{number},{name}\n" for number, name in enumerate(names))
    assert [name for (name,) in read(content.encode("cp1250"), "name")] == names


def test_cyrillic_of_old_exports_is_found(read):
    names = ["Анна Иванова", "Сергей Кузнецов", "Дмитрий Соколов", "Ольга Смирнова", "Екатерина Попова"] * 5
    content = "id,name\n" + "".join(f"{number},{name}\n" for number, name in enumerate(names))
    assert [name for (name,) in read(content.encode("cp1251"), "name")] == names


@pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".bz2", pa.compress), (".zst", pa.compress)])
def test_compressed_files_are_read(read, ending, pack):
    content = PEOPLE.format(d=",").encode()
    if pack is pa.compress:
        codec = {".bz2": "bz2", ".zst": "zstd"}[ending]
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as out:
            out.write(content)
        packed = sink.getvalue().to_pybytes()
    else:
        packed = pack(content)
    assert read(packed, "zip", name="people.csv" + ending) == [("01234",), ("",)]


def test_cut_off_compressed_data_is_an_error(read):
    packed = gzip.compress(PEOPLE.format(d=",").encode() * 500)
    with pytest.raises(DataError, match=r"people\.csv\.gz cannot be read to its end: broken gzip data"):
        read(packed[: len(packed) // 2], "zip", name="people.csv.gz")


def test_quoted_values_may_hold_anything(read):
    content = 'id,name,note\n1,"Müller, Jr","two\nlines"\n2,"say ""hi""",\r\n3,,"a;b"\n'
    assert read(content, "name", "note") == [("Müller, Jr", "two\nlines"), ('say "hi"', ""), ("", "a;b")]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("id,name,zip\n1,Anna,01234\n2,Secret\n3,Carl,01235\n", 3),
        ("id,name,zip\n1,Anna,01234\n2,Secret, Jr,01234\n", 3),
        ('id,name,zip\n1,"An\nna",01234\n\n2,Secret\n', 5),
        ("id,name,zip\n1,Anna,01234,\n", 2),
        ('id,name,zip\n1,Anna,"01234\n2,Secret,01235\n3,Carl,01236\n', 2),
        ('id,name,zip\n1,Anna,"01234\n2,Secret,"01235\n3,Carl,01236\n', 2),
        ("id,name,zip\n" + "1,Anna,01234\n" * 500_000 + "2,Secret\n", 500_002),
    ],
)
def test_a_broken_row_is_named_by_its_line_and_never_shown(read, content, line):
    with pytest.raises(DataError, match=rf"people\.csv, line {line}: ") as caught:
        read(content, "id", "zip")
    assert "Secret" not in str(caught.value)
    assert "Anna" not in str(caught.value)


def test_an_open_quote_in_a_large_file_is_found(read):
    content = "id,name\n" + "1,Anna\n" * 100 + '2,"Carl\n' + "3,Dora\n" * 900_000
    with pytest.raises(DataError, match=r"people\.csv, line 102: a quote is opened and not closed"):
        read(content, "id")


def test_bytes_of_another_encoding_are_named_by_place(read):
    good = "id,name\n" + "1,Jürgen\n" * 50_000
    content = good.encode() + "2,Jürgen\n".encode("cp1252")
    place = len(good.encode()) + 3
    with pytest.raises(DataError, match=rf"people\.csv is not UTF-8: byte {place} \(line 50002\) .*cp1252"):
        read(content, "name")
    assert len(read(content, "id")) == 50_001


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_undecodable_bytes_of_other_encodings_are_named_by_place(read, encoding):
    good = ("id,name\n" + "1,Anna\n" * 200_000).encode(encoding)
    bad = b"\x81\n" if encoding == "cp1252" else b"\x00\xdc\x41\x00"
    with pytest.raises(DataError, match=rf"is not {encoding.upper()}: byte {len(good)} \(line 200002\)"):
        read(good + bad, "name", encoding=encoding)


def test_an_unknown_encoding_is_a_config_error(read):
    with pytest.raises(ConfigError, match="no encoding is called 'utf-9'"):
        read("id\n1\n", "id", encoding="utf-9")


@pytest.mark.parametrize("content", ["", "\n\n", codecs.BOM_UTF8])
def test_an_empty_file_is_an_error(read, content):
    with pytest.raises(DataError, match=r"people\.csv is empty; its first row must hold the names"):
        read(content, "id")


def test_a_header_alone_gives_no_rows(read):
    for content in ("id,name\n", "id,name"):
        with pytest.raises(DataError, match=r"people\.csv gave no rows"):
            read(content, "id")


@pytest.mark.parametrize(
    "content", ["\n\nid,name\n\n1,Anna\n\n\n2,Carl", "id,name\r\n1,Anna\r\n2,Carl\r\n", "id,name\r1,Anna\r2,Carl"]
)
def test_blank_lines_and_all_line_ends_are_taken(read, content):
    assert read(content, "id", "name") == [("1", "Anna"), ("2", "Carl")]


def test_one_column_needs_no_delimiter(read):
    assert read("email\na@example.com\nb@example.com\n", "email") == [("a@example.com",), ("b@example.com",)]


def test_a_delimiter_inside_values_does_not_mislead(read):
    content = "id;name\n" + "".join(f"{number};Doe, Jo, of {number}, x\n" for number in range(60))
    assert read(content, "id")[59] == ("59",)
    assert read("a,b\tc\n1,2\t3\n", "b\tc") == [("2\t3",)]


def test_a_file_without_a_header_is_told_without_its_first_row(read):
    with pytest.raises(DataError, match="its first row holds values, not the names of columns") as caught:
        read("1,Secret,secret@example.com\n2,Anna,anna@example.com\n", "email")
    assert "Secret" not in str(caught.value)


def test_the_same_column_twice_in_the_header_matters_only_if_it_is_read(read):
    assert read("id,note,note\n1,a,b\n", "id") == [("1",)]
    with pytest.raises(DataError, match="has 2 columns called 'note'"):
        read("id,note,note\n1,a,b\n", "note")


def test_a_large_file_needs_little_memory(tmp_path):
    row = "{},person{}@example.com,+49 151 {:08d},Jörg,Müller,DE,01234,true\n"
    block = "".join(row.format(number, number, number) for number in range(20_000)).encode()
    with (tmp_path / "people.csv").open("wb") as file:
        file.write(b"id,email,phone,first,last,country,zip,consent\n")
        for _ in range(60):
            file.write(block)
    pool, rows, peak = pa.default_memory_pool(), 0, 0
    before = pool.bytes_allocated()
    for batch in open_source(Source(file="people.csv"), None, tmp_path).batches(["email", "phone", "last"]):
        rows += batch.num_rows
        peak = max(peak, pool.bytes_allocated() - before)
    assert rows == 1_200_000
    assert peak < 64 << 20 < (tmp_path / "people.csv").stat().st_size


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
TABLES = st.integers(2, 4).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=6))


@settings(max_examples=150, deadline=None)
@given(table=TABLES, delimiter=st.sampled_from(",;\t|"), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_whatever_is_written_is_read_back(tmp_path_factory, table, delimiter, encoding):
    names = [f"column_{place}" for place in range(len(table[0]))]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([names, *table])
    folder = tmp_path_factory.getbasetemp()
    (folder / "table.csv").write_bytes(text.getvalue().encode(encoding))
    reader = open_source(Source(file="table.csv", delimiter=delimiter, encoding=encoding), None, folder)
    assert [tuple(row.values()) for batch in reader.batches(names) for row in batch.to_pylist()] == table
