"""The tool that others check Guestlist with: every vector of the contracts, order, ids, and each kind of bad line."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cli.rig import guestlist

from guestlist import destinations
from guestlist.cli import keys, lines
from guestlist.cli.variants import all_capabilities, keys_by_platform
from guestlist.model.vocabulary import Field

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
PLATFORMS = {"google_data_manager": "data_manager"}
GOOD = '{"id": 1, "platform": "meta", "field": "email", "value": "Dana@Example.com", "region": null}'


def asked(**changes: Any) -> dict[str, Any]:
    return {"id": 1, "platform": "meta", "field": "email", "value": "dana@example.com", "region": None, **changes}


def answered(*questions: dict[str, Any] | str) -> list[dict[str, Any]]:
    text = "\n".join(item if isinstance(item, str) else json.dumps(item) for item in questions)
    told = guestlist("normalise", stdin=text)
    assert told.exit_code == 0, told.stderr
    return [json.loads(line) for line in told.stdout.splitlines()]


def _vectors() -> list[tuple[str, dict[str, Any], Field | None]]:
    found = []
    for path in sorted(VECTORS.glob("*.jsonl")):
        platform = PLATFORMS.get(path.stem, path.stem)
        by_recipe = {key.recipe: key.field for key in keys_by_platform()[platform].values()}
        for line in path.read_text(encoding="utf-8").splitlines():
            vector = json.loads(line)
            found.append((platform, vector, by_recipe.get(vector["recipe"])))
    return found


def test_every_vector_of_a_field_that_a_platform_takes() -> None:
    usable = [(platform, vector, field) for platform, vector, field in _vectors() if field is not None]
    by_option = {key.recipe for name in destinations.names() for can in all_capabilities(name) for key in can.keys}
    others = {vector["recipe"] for _, vector, field in _vectors() if field is None} - by_option
    assert others <= {"sha256.v1", None}, "only hashes made elsewhere and numbers are no field of their own"
    questions = [
        asked(id=number, platform=platform, field=field.value, value=vector["raw"], region=vector["region"])
        for number, (platform, vector, field) in enumerate(usable)
    ]
    assert len(questions) > 90
    for (_, vector, _), answer in zip(usable, answered(*questions), strict=True):
        assert answer["normalised"] == vector["normalised"], vector
        assert answer["reason"] == vector["reason"], vector
        if vector.get("sha256"):
            assert answer["sha256"] in (vector["sha256"], None), vector
        for never in vector.get("never", ()):
            assert answer["sha256"] != never


def test_answers_have_the_same_keys_in_the_same_order() -> None:
    told = guestlist("normalise", stdin=GOOD)
    assert list(json.loads(told.stdout)) == ["id", "normalised", "sha256", "reason", "valid"]
    assert json.loads(told.stdout) == {
        "id": 1,
        "normalised": "dana@example.com",
        "sha256": "07e2f1394b0ea80e2adca010ea8318df697001a005ba7452720edda4b0ce57b3",
        "reason": None,
        "valid": None,
    }


@pytest.mark.parametrize(
    "text", ["1", "-7", '"1"', "1.50", "1e3", "12345678901234567890123", '"a\\"b"', '""', '"ä€😀"', '"{x}"']
)
def test_ids_come_back_as_they_were(text: str) -> None:
    told = guestlist("normalise", stdin=GOOD.replace('"id": 1', f'"id": {text}'))
    assert told.stdout.startswith(f'{{"id":{text},"normalised"')


def test_ids_are_found_wherever_they_stand() -> None:
    plain = '{"region":null,"value":"\\"id\\": 9","field":"external_id","platform":"meta","id":"x"}'
    nested = '{"more":{"id":5},"platform":"meta","field":"external_id","value":"[v]","id":7}'
    twice = '{"id":1,"platform":"meta","field":"external_id","value":"v","id":2}'
    assert [item["id"] for item in answered(plain, nested, twice)][:2] == ["x", 7]
    assert [item["normalised"] for item in answered(plain, nested)] == ['"id": 9', "[v]"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("4915112345678", "4915112345678"),
        ("4915112345678.0", "4915112345678"),
        ("12.50", "12.5"),
        ("1e3", "1000"),
        ("true", "true"),
    ],
)
def test_numbers_and_booleans_are_their_plain_text(value: str, text: str) -> None:
    line = f'{{"id":1,"platform":"meta","field":"external_id","value":{value},"region":null}}'
    assert answered(line)[0]["normalised"] == text
    huge = '{"id":2,"platform":"meta","field":"external_id","value":1e400,"region":null}'
    assert answered(line, huge)[0]["normalised"] == text, "the slow way reads it alike"


def test_the_order_is_kept_over_all_groups_and_blocks() -> None:
    dice = random.Random(3)
    questions = [
        asked(
            id=number,
            platform=dice.choice(["meta", "google_ads", "data_manager"]),
            field=dice.choice(list(Field)).value,
            region="DE",
        )
        for number in range(5000)
    ]
    text = "".join(json.dumps(question) + dice.choice(["\n", "\r\n", "\n\n", " \n"]) for question in questions).encode()

    class Source:
        def __init__(self) -> None:
            self.left = text

        def read(self, size: int) -> bytes:
            read, self.left = self.left[:size], self.left[size:]
            return read

    whole = guestlist("normalise", stdin=text).stdout.splitlines()
    blocks = b"".join(keys.answers(Source(), block_bytes=30_011)).decode().splitlines()
    assert [json.loads(line)["id"] for line in whole] == list(range(5000))
    assert whole == blocks


def test_both_ways_of_reading_agree() -> None:
    text = "\n".join(json.dumps(asked(id=number, value=value)) for number, value in enumerate(["a", 1, 2.5, True, None, "ä\n"]))
    fast = lines.read_lines(text.encode(), 1)
    slow = lines._one_by_one(text.encode(), 1)
    assert fast.equals(slow)


def test_phones_tell_their_validity_and_others_do_not() -> None:
    questions = [
        asked(field="phone", value="+1 (555) 987-6543"),
        asked(field="phone", value="0151 12345678", region="DE"),
        asked(field="phone", value="nobody"),
        asked(field="phone", value="0151 12345678"),
        asked(),
    ]
    told = answered(*questions)
    assert [item["valid"] for item in told] == [False, True, None, None, None]
    assert [item["reason"] for item in told] == [None, None, "not_a_number", "no_region", None]


def test_google_takes_plain_keys_and_other_kinds_of_list() -> None:
    told = answered(
        asked(platform="google_ads", field="postal_code", value=80331, region="DE"),
        asked(platform="data_manager", field="mobile_ad_id", value="aebe52e7-03ee-455a-b3c4-e57283966239"),
        asked(platform="google_ads", field="external_id", value="C-17"),
    )
    assert [item["normalised"] for item in told] == ["80331", "aebe52e7-03ee-455a-b3c4-e57283966239", "C-17"]
    assert {item["sha256"] for item in told} == {None}


def test_a_field_that_a_platform_does_not_take() -> None:
    told = answered(*[asked(id=number, platform="google_ads", field="gender", value="f") for number in range(3)])
    assert told == [
        {"id": number, "normalised": None, "sha256": None, "reason": "not_taken", "valid": None} for number in range(3)
    ]


def test_null_and_blank_never_become_a_hash() -> None:
    for item in answered(asked(value=None), asked(value=""), asked(value=" \u200b ")):
        assert (item["normalised"], item["sha256"], item["reason"]) == (None, None, "blank")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": 1', "line 3 is not JSON"),
        ("someone@example.com", "line 3 is not JSON"),
        ('["someone@example.com"]', "line 3 is not such an object"),
        ("null", "line 3 is not such an object"),
        ('{"id": 1, "platform": "meta", "field": "email"}', "line 3 is not such an object"),
        ('{"platform": "meta", "field": "email", "value": "someone@example.com"}', "line 3 is not such an object"),
        ('{"id": null, "platform": "meta", "field": "email", "value": "v"}', "line 3: id is not"),
        ('{"id": {"a": 1}, "platform": "meta", "field": "email", "value": "v"}', "line 3: id is not"),
        ('{"id": 1, "platform": "meta", "field": "email", "value": ["someone@example.com"]}', "line 3: value is not"),
        ('{"id": 1, "platform": "meta", "field": "email", "value": NaN}', "line 3 is not JSON"),
        (
            '{"id": 1, "platform": "someone", "field": "email", "value": "v"}',
            "line 3: no platform is called so; there are: commbox",
        ),
        ('{"id": 1, "platform": "meta", "field": "someone", "value": "v"}', "line 3: no field is called so; there are: email"),
    ],
)
def test_bad_lines_are_told_by_number_and_never_repeated(line: str, message: str) -> None:
    told = guestlist("normalise", stdin=f"{GOOD}\n\n{line}\n{GOOD}\n")
    assert told.exit_code == 3
    assert message in told.stderr
    assert "someone" not in told.stderr
    assert told.stdout == ""


def test_bytes_that_are_no_utf8() -> None:
    told = guestlist("normalise", stdin=GOOD.encode() + b'\n{"id":"\xff"}\n')
    assert told.exit_code == 3
    assert "line 2 is not JSON" in told.stderr


def test_nothing_in_nothing_out() -> None:
    assert guestlist("normalise", stdin="").stdout == ""
    assert guestlist("normalise", stdin="\n \n").stdout == ""


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert guestlist("normalise", stdin=b"\xef\xbb\xbf" + GOOD.encode()).exit_code == 0


def test_files_in_and_out(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(f"{GOOD}\n", encoding="utf-8")
    told = guestlist("normalise", str(source), "--output", str(target))
    assert (told.exit_code, told.stdout) == (0, "")
    assert json.loads(target.read_text(encoding="utf-8"))["normalised"] == "dana@example.com"
    assert target.stat().st_mode & 0o077 == 0, "normalised values are personal"


def test_a_failed_run_leaves_the_old_output(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(f"{GOOD}\nrubbish\n", encoding="utf-8")
    target.write_text("old", encoding="utf-8")
    assert guestlist("normalise", str(source), "--output", str(target)).exit_code == 3
    assert target.read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    missing = guestlist("normalise", str(tmp_path / "no.jsonl"))
    assert missing.exit_code == 3
    assert "no.jsonl cannot be read: No such file" in missing.stderr
    unwritable = guestlist("normalise", "--output", str(tmp_path / "no" / "out.jsonl"), stdin=GOOD)
    assert unwritable.exit_code == 2
    assert "cannot be written" in unwritable.stderr


def test_every_platform_and_field_is_known() -> None:
    table = keys._recipes()
    assert set(table["platform"]) == {*destinations.names(), "data_manager"}
    assert table.height == table["platform"].n_unique() * len(Field)
    assert table.filter((pl.col("platform") == "meta") & (pl.col("recipe") == "not_taken")).is_empty()
