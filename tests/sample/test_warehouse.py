import re
import unicodedata
from pathlib import Path

import duckdb
import phonenumbers
import pytest

import guestlist
from guestlist.model.connection import Connection
from guestlist.model.segment_file import parse_segment
from guestlist.sample import build, change
from guestlist.sources import open_source

INCLUDE = Path(guestlist.__file__).parents[1]
SEGMENTS = ("lapsed_vips", "newsletter_readers", "do_not_target", "all_customers")
ROWS = 20_000


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "warehouse.duckdb"
    build(path, ROWS)
    return path


def ask(path, sql):
    with duckdb.connect(str(path), read_only=True) as database:
        return database.execute(sql).fetchall()


def members(path):
    texts = {name: (INCLUDE / "sql" / f"{name}.sql").read_text() for name in SEGMENTS}
    return {name: {row[0] for row in ask(path, f"SELECT customer_id FROM ({text})")} for name, text in texts.items()}


def everything(path):
    return [ask(path, f"FROM {table} ORDER BY ALL") for table in ("customers", "orders", "do_not_contact")]


def test_the_same_seed_gives_the_same_rows_and_another_gives_others(tmp_path):
    for name, seed in (("a", 7), ("b", 7), ("c", 9)):
        build(tmp_path / name, 2_000, seed)
    assert everything(tmp_path / "a") == everything(tmp_path / "b")
    assert everything(tmp_path / "a") != everything(tmp_path / "c")


def test_a_small_warehouse_is_the_beginning_of_a_large_one(tmp_path, warehouse):
    build(tmp_path / "small", 500)
    few = "FROM customers WHERE customer_id < 'C00000500' ORDER BY ALL"
    assert ask(tmp_path / "small", few) == ask(warehouse, few)


def test_building_again_replaces_what_was_there(tmp_path):
    build(tmp_path / "w.duckdb", 2_000)
    build(tmp_path / "w.duckdb", 300)
    assert ask(tmp_path / "w.duckdb", "SELECT count(DISTINCT customer_id) < 301 FROM customers") == [(True,)]
    assert [file.name for file in tmp_path.iterdir()] == ["w.duckdb"]


def test_many_countries_and_scripts_are_there(warehouse):
    assert ask(warehouse, "SELECT count(DISTINCT upper(country)) >= 40 FROM customers") == [(True,)]
    letters = "".join(row[0] for row in ask(warehouse, "SELECT DISTINCT first_name FROM customers WHERE first_name <> ''"))
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in letters}
    wanted = {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "THAI", "CJK", "HANGUL", "KATAKANA", "HIRAGANA"}
    assert wanted <= scripts


def test_most_phones_are_valid_and_the_others_are_what_people_write(warehouse):
    rows = ask(warehouse, "SELECT phone, upper(country) FROM customers WHERE trim(phone) <> '' AND country <> ''")
    valid, unparsed = 0, 0
    for phone, country in rows:
        try:
            valid += phonenumbers.is_valid_number(phonenumbers.parse(phone, country))
        except phonenumbers.NumberParseException:
            unparsed += 1
    assert 0.93 < valid / len(rows) < 0.99
    assert unparsed > 50


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\+\d+$",
        r"^\+\d+ [\d ]+$",
        r"^00\d",
        r"^011 ",
        r"\(0\)",
        r"ext\. \d",
        r"\d\.\d",
        r"^0\d+$",
        r"^n/a$",
        "\u00a0",
        "[\u0660-\u0669]",
    ],
)
def test_phones_are_written_in_many_ways(warehouse, pattern):
    written = ask(warehouse, "SELECT phone FROM customers WHERE phone IS NOT NULL")
    assert sum(bool(re.search(pattern, phone)) for (phone,) in written) >= 3


@pytest.mark.parametrize(
    "condition",
    [
        "email LIKE '%@gmail.com' AND email LIKE '%+%'",
        "email LIKE 'guest.list.sample.%@gmail.com'",
        "email LIKE '%@googlemail.com'",
        "email = upper(email) AND email LIKE '%@%'",
        "email LIKE ' %'",
        "contains(email, chr(8203))",
        "email NOT LIKE '%@%'",
        "email IS NULL",
        "trim(email) = ''",
        "second_email IS NOT NULL",
        "phone IS NULL",
        "customer_id IS NULL",
        "first_name = upper(first_name)",
        "first_name = ''",
        "zip LIKE '_____-____' AND country = 'US'",
        "country = lower(country)",
        "consent_ads IS NULL",
        "consent_ads AND NOT consent_personalization",
        "ltv IS NULL",
        "idfa LIKE '00000000-%'",
        "birth_year = 1900",
        "state IS NULL",
        "customer_id IN (SELECT customer_id FROM customers GROUP BY ALL HAVING count(*) > 1)",
        "email IN (SELECT email FROM customers WHERE email LIKE '%@example%' GROUP BY ALL HAVING count(*) > 1)",
        "phone IN (SELECT phone FROM customers WHERE phone LIKE '+%' GROUP BY ALL HAVING count(*) > 1)",
    ],
)
def test_the_dirt_of_real_tables_is_there_in_small_shares(warehouse, condition):
    assert 1 <= ask(warehouse, f"SELECT count(*) FROM customers WHERE {condition}")[0][0] < ROWS // 2


def test_every_address_is_unmistakably_made_up(warehouse):
    emails = ask(warehouse, "SELECT email FROM customers UNION SELECT second_email FROM customers")
    example = r"@(mail\.)?example\.(com|org|net)$"
    gmail = r"^guest\.?list\.?sample\.?\d+(\+[a-z.0-9]+)?@g(oogle)?mail\.com$"
    ours = re.compile(f"{example}|{gmail}", re.IGNORECASE)
    junk = {"n/a", "unknown", "no-at-sign.example.com", "@example.com", "two@@example.com", "x@", "x@example", ""}
    for (email,) in emails:
        clean = re.sub(r"[\s\u200b\ufeff\u2060]", "", email or "").removeprefix("mailto:")
        assert clean in junk or ours.search(clean), email


def test_lifetime_values_are_those_of_the_orders(warehouse):
    wrong = """
        SELECT count(*) FROM customers JOIN (
            SELECT customer_id, sum(amount) AS paid, max(ordered_at) AS newest FROM orders WHERE status = 'paid' GROUP BY ALL
        ) USING (customer_id) WHERE abs(ltv - paid) > 0.01 OR last_order_at <> newest
    """
    assert ask(warehouse, wrong) == [(0,)]


@pytest.mark.parametrize("name", SEGMENTS)
def test_a_shipped_segment_is_valid_and_its_columns_are_there(warehouse, name):
    file = INCLUDE / "segments" / f"{name}.yaml"
    segment = parse_segment(file.read_text(), str(file), {})
    text = (INCLUDE / segment.source.sql).read_text()
    source = segment.source.model_copy(update={"sql": text})
    regions = [identifier.region_column for identifier in segment.identifiers.values() if identifier.region_column]
    named = [column for identifier in segment.identifiers.values() for column in identifier.columns]
    value = [segment.value.column] if segment.value else []
    columns = list(dict.fromkeys([segment.key, *named, *regions, *segment.consent.columns, *value]))
    reader = open_source(source, Connection("warehouse", "duckdb", host=str(warehouse)), warehouse.parent)
    rows = sum(batch.num_rows for batch in reader.batches(columns))
    assert rows == ask(warehouse, f"SELECT count(*) FROM ({text})")[0][0] > 100


def test_a_quarter_of_all_customers_are_lapsed_vips(warehouse):
    assert 0.2 < len(members(warehouse)["lapsed_vips"]) / ROWS < 0.3


def test_a_change_moves_exactly_the_people_that_it_tells(tmp_path):
    path = tmp_path / "w.duckdb"
    build(path, ROWS)
    for seed in (8, 9):
        before, people = members(path), dict(ask(path, PEOPLE))
        changes = change(path, seed)
        after, now = members(path), dict(ask(path, PEOPLE))
        assert {name: len(before[name] - after[name]) for name in SEGMENTS} == changes.left
        assert {name: len(after[name] - before[name]) for name in SEGMENTS} == changes.joined
        for name in SEGMENTS[:3]:
            assert changes.left[name] == pytest.approx(len(before[name]) * 0.01, abs=1)
            assert changes.joined[name] == changes.left[name]
        moved = [customer for customer, values in people.items() if now[customer] != values]
        assert len(moved) == changes.emails + changes.phones + changes.names
        union = len(before["lapsed_vips"] | before["newsletter_readers"] | before["do_not_target"])
        assert len(moved) == pytest.approx(union * 0.01, abs=1)


PEOPLE = """
    SELECT customer_id, list((email, phone, last_name) ORDER BY email, phone, last_name) FROM customers
    WHERE customer_id IS NOT NULL GROUP BY customer_id
"""


def test_a_change_is_the_same_for_the_same_seed(tmp_path):
    for name in ("a", "b"):
        build(tmp_path / name, 3_000)
        change(tmp_path / name, 8, 0.05)
    assert everything(tmp_path / "a") == everything(tmp_path / "b")
