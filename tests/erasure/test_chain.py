"""The chain of receipts: whatever is changed, left out, moved or put in is found, and the first break is named."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guestlist.pipeline.receipts import NOTHING, Link, first_break, link_after

QUIETLY = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FACTS = st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=9)), max_size=3)


def chain_of(facts: list[dict[str, object]]) -> list[Link]:
    chain: list[Link] = []
    for one in facts:
        chain.append(link_after(chain[-1] if chain else None, one))
    return chain


CHAINS = st.lists(FACTS, min_size=1, max_size=6).map(chain_of)


@QUIETLY
@given(CHAINS, st.data())
def test_a_chain_is_whole_with_any_of_its_own_receipts_pinned(chain: list[Link], data: st.DataObject) -> None:
    assert first_break([]) is None
    assert first_break(chain) is None
    assert first_break(chain, data.draw(st.sampled_from(chain)).name) is None


@QUIETLY
@given(CHAINS, st.data())
def test_any_edit_is_found_where_it_is(chain: list[Link], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(chain) - 1))
    field = data.draw(st.sampled_from(["content", "previous", "digest", "number"]))
    before = getattr(chain[place], field)
    after = data.draw((st.integers() if field == "number" else st.text()).filter(lambda value: value != before))
    edited = [*chain[:place], dataclasses.replace(chain[place], **{field: after}), *chain[place + 1 :]]
    told = first_break(edited)
    assert told is not None
    assert f"receipt {place + 1} " in told


@QUIETLY
@given(CHAINS, st.data())
def test_any_receipt_that_is_left_out_is_missed(chain: list[Link], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(chain) - 1))
    shorter = [*chain[:place], *chain[place + 1 :]]
    told = first_break(shorter, chain[-1].name)
    assert told is not None
    assert f"receipt {place + 1} is not there" in told


@QUIETLY
@given(CHAINS.filter(lambda chain: len(chain) > 1), st.data())
def test_any_other_order_is_found(chain: list[Link], data: st.DataObject) -> None:
    order = data.draw(st.permutations(chain).filter(lambda moved: moved != chain))
    place = next(index for index, (mine, theirs) in enumerate(zip(chain, order, strict=True)) if mine != theirs)
    assert first_break(order) == f"receipt {place + 1} is not there: receipt {order[place].number} stands in its place"


@QUIETLY
@given(CHAINS, st.data())
def test_a_chain_that_was_made_anew_from_some_place_on_does_not_have_the_pinned_receipt(
    chain: list[Link], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(chain) - 1))
    forged = chain[:place]
    for link in chain[place:]:
        forged.append(link_after(forged[-1] if forged else None, {"instead of": link.content}))
    assert first_break(forged) is None, "it fits together"
    assert first_break(forged, chain[-1].name) == f"receipt {len(chain)} is another one than was seen before"
    assert first_break(forged[:place], chain[-1].name) == f"receipt {len(chain)} is not there any more"


@pytest.mark.parametrize("head", ["", "nonsense", "1", "7:", "0:" + NOTHING])
def test_what_is_no_receipts_name_is_not_there(head: str) -> None:
    assert first_break(chain_of([{"a": 1}]), head) is not None
