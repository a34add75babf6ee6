"""What is particular to one kind of database; what they have in common is in test_contract.py."""

import ssl
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from sources import databases
from sources.snowflake_wire import snowflake

from guestlist.model.connection import Connection
from guestlist.model.errors import AuthError, ConfigError, DataError
from guestlist.model.source import Source
from guestlist.sources import open_source
from guestlist.sources.mysql import _array, _tls

mysql_people = databases.mysql_people
EVERYWHERE = Connection("shop", "mysql", host="db.example.com")


def opened(connection, **source):
    return open_source(Source(connection=connection.id, **source), connection, Path("/"))


def test_a_mysql_server_elsewhere_must_prove_who_it_is():
    context = _tls(EVERYWHERE)["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert _tls(replace(EVERYWHERE, host="127.0.0.1")) == {"ssl_disabled": True}


@pytest.mark.parametrize(
    ("mode", "verify", "name"),
    [("VERIFY_CA", ssl.CERT_REQUIRED, False), ("required", ssl.CERT_NONE, False), ("PREFERRED", ssl.CERT_NONE, False)],
)
def test_mysqls_ssl_mode_may_say_otherwise(mode, verify, name):
    context = _tls(replace(EVERYWHERE, extra={"ssl_mode": mode}))["ssl"]
    assert (context.verify_mode, context.check_hostname) == (verify, name)


@pytest.mark.parametrize("extra", [{"ssl_mode": "MAYBE"}, {"ssl": {"ca": "/nowhere/ca.pem"}}, {"ssl": '["ca"]'}, {"ssl": "{"}])
def test_mysqls_ssl_that_says_nothing_known_is_a_config_error(extra):
    with pytest.raises(ConfigError, match="connection 'shop'"):
        _tls(replace(EVERYWHERE, extra=extra))


def test_mysqls_texts_become_what_a_person_would_write():
    assert _array(246, ("12.50", None, "3.00")).to_pylist() == ["12.5", None, "3"]
    assert _array(10, ("0000-00-00", "2020-01-31")).to_pylist() == [None, "2020-01-31"]
    assert _array(12, ("2020-01-31 12:00:00.500000",)).to_pylist() == ["2020-01-31T12:00:00.5"]
    assert _array(7, ("2020-01-31 12:00:00",)).to_pylist() == ["2020-01-31T12:00:00Z"]
    assert _array(16, (b"\x01", None)).to_pylist() == [1, None]
    assert _array(5, ("4915112345678",)).type == pa.float64()


@pytest.mark.slow
def test_what_a_mysql_login_may_not_read_is_an_auth_error(mysql_people):
    with pytest.raises(AuthError, match=r"command denied.*grant it"):
        opened(mysql_people.connection, table="mysql.user").schema()


@pytest.mark.slow
def test_mysql_never_writes(mysql_people):
    import pymysql

    with pymysql.connect(user="root", unix_socket=mysql_people.connection.extra["unix_socket"]) as root:
        root.cursor().execute("GRANT ALL ON crm.* TO reader@localhost")
    session = opened(mysql_people.connection, table="people")._session()
    with session as cursor, pytest.raises(pymysql.MySQLError, match="READ ONLY"):
        cursor.execute("DELETE FROM people")


@pytest.mark.slow
def test_a_snowflake_key_may_be_locked_by_the_password(tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hunter2"))
    (tmp_path / "key.p8").write_bytes(locked)
    with snowflake("CREATE TABLE people AS SELECT 1 AS id", key.public_key()) as address:
        host, port = address.removeprefix("http://").split(":")
        extra = {"account": "acme", "protocol": "http", "private_key_file": str(tmp_path / "key.p8")}
        connection = Connection("snow", "snowflake", host, int(port), "reader", "hunter2", extra=extra)
        assert opened(connection, table="people").schema().names == ["ID"]
        with pytest.raises(ConfigError, match="its private key is no PEM file, or its password is not the key's") as caught:
            opened(replace(connection, password="wrong"), table="people").schema()
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        (Connection("c", "snowflake"), "names no account"),
        (Connection("c", "gcpbigquery"), "names no project"),
        (Connection("c", "databricks", host="h"), r"lacks http_path \(in extra\), password \(a token\)"),
        (Connection("c", "redshift", extra={"iam": True}), "logs in by IAM, which is not done here"),
    ],
)
def test_what_a_connection_lacks_is_told_before_anything_is_opened(connection, message):
    with pytest.raises(ConfigError, match=f"connection 'c' {message}"):
        opened(connection, table="people")


def test_people_are_not_asked_for_without_encryption():
    extra = {"http_path": "/sql/1.0/warehouses/x"}
    connection = Connection("lake", "databricks", host="http://lake.example.com", password="hunter2", extra=extra)
    with pytest.raises(ConfigError, match="must be asked by https"):
        opened(connection, table="people").schema()


@pytest.mark.slow
def test_json_is_refused_since_its_texts_have_quotes():
    from sources.databricks_wire import TOKEN, WAREHOUSE, databricks

    with databricks("CREATE TABLE people AS SELECT 1 AS id, {'email': 'a'} AS contact") as address:
        extra = {"http_path": f"/sql/1.0/warehouses/{WAREHOUSE}"}
        connection = Connection("lake", "databricks", host=address, password=TOKEN, extra=extra)
        with pytest.raises(DataError, match="column 'contact' is of type struct"):
            list(opened(connection, table="people").batches(["contact"]))
