"""Object stores through Arrow's own client, against a small S3 server on loopback that speaks the wire protocol."""

from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
import pytest
from pyarrow import parquet
from servers import answering

from guestlist.model.connection import Connection
from guestlist.model.errors import AuthError, ConfigError, DataError
from guestlist.model.source import Source
from guestlist.sources import open_source

XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
NO_SUCH_KEY = b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"


class Bucket(BaseHTTPRequestHandler):
    """Answers HEAD and GET of objects with ranges, and ListObjectsV2 with a delimiter."""

    protocol_version = "HTTP/1.1"
    objects = {}  # noqa: RUF012 - the server makes one instance a request
    logins = set()  # noqa: RUF012

    def do_GET(self):
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        self.logins.add(self.headers.get("Authorization", "").partition("Credential=")[2].split("/")[0])
        if address.path.startswith("/locked"):
            return self._answer(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
        if "list-type" in query:
            return self._answer(200, self._listing(query))
        content = self.objects.get(unquote(address.path))
        if content is None:
            return self._answer(404, NO_SUCH_KEY)
        asked = self.headers.get("Range")
        if asked is None:
            return self._answer(200, content)
        first, last = (int(part) for part in asked.removeprefix("bytes=").split("-"))
        span = f"bytes {first}-{min(last, len(content) - 1)}/{len(content)}"
        return self._answer(206, content[first : last + 1], **{"Content-Range": span})

    def do_HEAD(self):
        self.do_GET()

    def _listing(self, query):
        bucket = urlsplit(self.path).path.strip("/")
        prefix = query.get("prefix", [""])[0]
        names = sorted(path.removeprefix(f"/{bucket}/") for path in self.objects)
        found = [name for name in names if name.startswith(prefix)]
        entries = "".join(
            f"<Contents><Key>{name}</Key><Size>{len(self.objects[f'/{bucket}/{name}'])}</Size>"
            "<LastModified>2026-01-31T00:00:00.000Z</LastModified></Contents>"
            for name in found
            if "/" not in name.removeprefix(prefix)
        )
        count = f"<KeyCount>{len(found)}</KeyCount><IsTruncated>false</IsTruncated>"
        return f"<ListBucketResult {XMLNS}><Name>{bucket}</Name>{count}{entries}</ListBucketResult>".encode()

    def _answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Content-Type": "application/xml", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *parts):
        """Keep quiet."""


@pytest.fixture(scope="module")
def store():
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({"id": range(100_000), "zip": ["01234"] * 100_000}), sink)
    Bucket.objects = {
        "/box/day/1.csv": b"id,zip\n1,01234\n",
        "/box/day/2.csv": b"zip,id\n01235,2\n",
        "/box/day/people.parquet": sink.getvalue().to_pybytes(),
    }
    with answering(Bucket) as url:
        yield f"?endpoint_override={url.removeprefix('http://')}&scheme=http&region=us-east-1"


@pytest.fixture
def read(store, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")

    def read(address, *columns):
        reader = open_source(Source(file=address + store), None, tmp_path)
        return [tuple(row.values()) for batch in reader.batches(columns) for row in batch.to_pylist()]

    return read


def test_an_object_is_read(read):
    assert read("s3://box/day/1.csv", "zip", "id") == [("01234", "1")]


def test_a_glob_over_objects_is_read_in_order(read):
    assert read("s3://box/day/*.csv", "id", "zip") == [("1", "01234"), ("2", "01235")]


def test_parquet_on_an_object_store_is_read(read):
    rows = read("s3://box/day/people.parquet", "id", "zip")
    assert len(rows) == 100_000
    assert rows[-1] == ("99999", "01234")


def test_a_missing_object_is_named_without_the_query_of_its_address(read):
    with pytest.raises(DataError, match=r"there is no file s3://box/day/3\.csv") as caught:
        read("s3://box/day/3.csv", "id")
    assert "endpoint" not in str(caught.value)


def test_a_refused_login_is_an_auth_error(read):
    with pytest.raises(AuthError, match=r"s3://locked/1\.csv cannot be looked up: ACCESS_DENIED"):
        read("s3://locked/1.csv", "id")


def test_a_connection_logs_in_in_place_of_the_machine(store, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    host = store.split("endpoint_override=")[1].split("&")[0]
    extra = {"endpoint_url": f"http://{host}", "region_name": "us-east-1"}
    connection = Connection("partner", "aws", login="PARTNERS_KEY", password="hunter2", extra=extra)
    source = Source(file="s3://box/day/*.csv", connection="partner")
    Bucket.logins.clear()
    batches = list(open_source(source, connection, tmp_path).batches(["id"]))
    assert [row["id"] for batch in batches for row in batch.to_pylist()] == ["1", "2"]
    assert Bucket.logins == {"PARTNERS_KEY"}


def test_a_connection_without_a_storage_account_is_told(tmp_path):
    connection = Connection("partner", "wasb", extra={"tenant_id": "t"}, password="hunter2")
    with pytest.raises(ConfigError, match="connection 'partner' names no storage account") as caught:
        open_source(Source(file="az://box/1.csv", connection="partner"), connection, tmp_path).schema()
    assert "hunter2" not in str(caught.value)
