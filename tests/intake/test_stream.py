"""Encrypted streams: what was written comes back from any place, and nothing that was changed opens."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestlist.model.errors import ConfigError, DataError
from guestlist.runtime.intake.stream import CHUNK, LockedReader, LockedWriter
from guestlist.runtime.vault import Vault, new_key

KEY = new_key()
VAULT = Vault(KEY)
PLACES = st.tuples(st.floats(0, 1), st.integers(0, 9999))
SIZES = st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7])


def locked(content, step=333_333, vault=VAULT, name="a"):
    file = io.BytesIO()
    writer = LockedWriter(file, vault, name)
    for start in range(0, len(content), step):
        writer.write(content[start : start + step])
    writer.finish()
    return file.getvalue()


def opened(data, vault=VAULT, name="a"):
    return io.BufferedReader(LockedReader(io.BytesIO(data), len(data), vault, name))


def content_of(size):
    return bytes(number * 31 % 251 for number in range(4099)) * (size // 4099) + bytes(size % 4099)


@settings(max_examples=25)
@given(
    SIZES, st.sampled_from([1 << 16, CHUNK, 3 * CHUNK]), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9999)), max_size=5)
)
def test_what_was_written_comes_back_from_any_place(size, step, places):
    content = content_of(size)
    data = locked(content, step)
    assert content[:64] not in data or len(content) < 16
    with opened(data) as file:
        assert file.raw.size == size
        assert file.read() == content
        for share, length in places:
            start = int(share * size)
            file.seek(start)
            assert file.read(length) == content[start : start + length]
        assert file.seek(-min(size, 5), io.SEEK_END) == size - min(size, 5)
        assert file.read() == content[size - min(size, 5) :]


@pytest.mark.parametrize("where", [8, 20, CHUNK // 2, CHUNK + 40, -1])
def test_a_changed_byte_does_not_open(where):
    data = bytearray(locked(content_of(2 * CHUNK + 5)))
    data[where] ^= 1
    with pytest.raises((ConfigError, DataError)), opened(bytes(data)) as file:
        file.read()


@pytest.mark.parametrize("cut", [1, 5, 17, 21, CHUNK + 16, CHUNK + 16 + 21, 2 * (CHUNK + 16) + 21])
def test_what_was_cut_off_does_not_open(cut):
    data = locked(content_of(2 * CHUNK + 5))
    with pytest.raises((ConfigError, DataError)), opened(data[:-cut]) as file:
        file.read()


def test_chunks_that_changed_places_do_not_open():
    data, head, sealed = locked(content_of(3 * CHUNK)), 15, CHUNK + 16
    first, second = data[head : head + sealed], data[head + sealed : head + 2 * sealed]
    with pytest.raises((ConfigError, DataError)), opened(data[:head] + second + first + data[head + 2 * sealed :]) as file:
        file.read()


def test_another_key_or_name_does_not_open():
    data = locked(b"anything")
    for vault, name in ((Vault(new_key()), "a"), (VAULT, "b")):
        with pytest.raises(ConfigError, match="does not open the upload"):
            opened(data, vault, name)


def test_while_the_key_changes_both_open():
    newer = new_key()
    assert opened(locked(b"anything"), Vault(f"{newer} {KEY}")).read() == b"anything"
    assert opened(locked(b"anything", vault=Vault(f"{newer} {KEY}")), Vault(newer)).read() == b"anything"
