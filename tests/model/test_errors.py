"""The error tree: what each error says, where it goes, and that it survives the way between processes."""

from __future__ import annotations

import inspect
import pickle
import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.model import errors
from guestlist.model.errors import BatchRefused, GuestlistError, OutcomeUnknown, RateLimitedError, RejectedError, TransientError

EVERY = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, GuestlistError)]
BRANCHES = [kind for kind in EVERY if kind.__bases__ == (GuestlistError,)]


def test_each_branch_has_an_exit_code_of_its_own_and_its_twigs_share_it() -> None:
    codes = [kind.exit_code for kind in BRANCHES]
    assert sorted(codes) == list(range(2, 11))
    for kind in EVERY:
        assert kind.exit_code == next((base.exit_code for base in BRANCHES if issubclass(kind, base)), 1)


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    drawn = {line.split("──")[1].split()[0]: line for line in errors.__doc__.splitlines() if "──" in line}
    assert set(drawn) == {kind.__name__ for kind in EVERY} - {"GuestlistError"}
    for kind in BRANCHES:
        assert drawn[kind.__name__].endswith(f"exit {kind.exit_code}")


def test_what_is_tried_again_is_transient() -> None:
    assert issubclass(RateLimitedError, TransientError)
    assert issubclass(OutcomeUnknown, TransientError)
    assert issubclass(BatchRefused, RejectedError)
    assert not issubclass(errors.Unconfirmed, TransientError)


text = st.text("αβγδ", min_size=1, max_size=10)
parts = st.fixed_dictionaries(
    {"message": text},
    optional=dict.fromkeys(("segment", "destination", "code", "request_id", "help_url"), text)
    | {"retry_after": st.floats(0, 1e6, allow_nan=False)},
)


@given(st.sampled_from(EVERY), parts)
def test_an_error_pickles_with_its_fields_and_says_nothing_else(kind: type[GuestlistError], given_: dict[str, object]) -> None:
    error = kind(**given_)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(again) is kind
    assert all(getattr(again, field.name) == getattr(error, field.name) for field in fields(kind))
    assert str(again) == str(error)
    assert error.args == (given_["message"],)
    told = re.sub("[αβγδ]+", "", str(error))
    assert re.fullmatch(r"( \[[a-z0-9 ,]*\])?( See )?", told), "words of its own, and what it was given"


def test_the_sentence() -> None:
    full = RateLimitedError("too many calls", "vips", "meta_main", "17", "req-1", 30.4, "https://example.com/limits")
    where = "segment vips, destination meta_main, code 17, request id req-1, try again in 30 s"
    assert str(full) == f"too many calls [{where}] See https://example.com/limits"
    assert str(GuestlistError("alone")) == "alone"


def test_refused_rows_are_carried_and_not_told() -> None:
    error = BatchRefused("refused", rows={3: "bad_hash"})
    assert pickle.loads(pickle.dumps(error)).rows == {3: "bad_hash"}  # noqa: S301 - our own
    assert "bad_hash" not in str(error)
    assert BatchRefused("refused").rows == {}


def test_a_place_is_filled_in_once() -> None:
    error = GuestlistError("x", destination="known")
    assert error.at(segment="s", destination="other") is error
    assert (error.segment, error.destination) == ("s", "known")
    assert (error.at(segment="t").segment, error.at().destination) == ("s", "known")


def test_errors_are_told_apart_by_identity() -> None:
    one, two = GuestlistError("x"), GuestlistError("x")
    assert one != two
    assert len({one, two}) == 2


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_says_in_one_sentence_what_it_means(kind: type[GuestlistError]) -> None:
    assert kind.__doc__
    assert kind.__doc__.strip().endswith(".")


@given(st.text(), st.text(), st.text(max_size=500))
def test_an_error_can_be_printed_whatever_files_and_platforms_call_things(message: str, code: str, request: str) -> None:
    told = str(GuestlistError(message.replace("\n", " "), code=code, request_id=request))
    assert told.isprintable()
    assert len(told) <= 10 * len(message) + 500


@pytest.mark.parametrize(
    "name",
    ["RATE_LIMIT_EXCEEDED", "HTTP 422 body.dsp", "190/460", "Fz54k3GZrio", "126365e1-16d0-4c81-9de9-f362711e250a", "a_b"],
)
def test_a_platforms_names_are_kept(name: str) -> None:
    error = GuestlistError("x", code=name, request_id=name)
    assert (error.code, error.request_id) == (name, name)


@pytest.mark.parametrize(
    "quoted",
    [
        "dana@example.com",
        "dana%40example.com",
        "no such email: dana",
        "+4915112345678",
        "4915112345678",
        "0151-12345678",
        "07e2f1394b0ea80e2adca010ea8318df697001a005ba7452720edda4b0ce57b3",
        "hash:07E2F1394B0EA80E2ADCA010EA8318DF697001A005BA7452720EDDA4B0CE57B3",
        "B+LxOUsOqA4q3KAQ6oMY32lwAaAFunRScg7dpLDOV7M=",
        "two\nlines",
        "x" * 201,
        "",
    ],
)
def test_what_a_platform_may_have_quoted_is_forgotten(quoted: str) -> None:
    error = GuestlistError("x", code=quoted, request_id=quoted)
    assert (error.code, error.request_id, str(error)) == (None, None, "x")
