"""Addresses that Google Cloud Storage takes a file at: signed as its page has it, which anybody with the public key can check.

https://cloud.google.com/storage/docs/authentication/signatures
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from upath import UPath

from guestlist.runtime.intake.store import address_in_store
from guestlist.runtime.intake.tokens import Announced

WHO = "uploads@made-up.iam.gserviceaccount.com"
HOLDS = timedelta(hours=1)


@pytest.fixture
def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[rsa.RSAPublicKey]:
    """Of a service account that the environment has the key of, as on an API server."""
    key = rsa.generate_private_key(65537, 2048)
    account = {
        "type": "service_account",
        "project_id": "made-up",
        "client_email": WHO,
        "token_uri": "https://oauth2.googleapis.com/token",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    }
    (tmp_path / "account.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    yield key.public_key()
    UPath("gs://people").fs.clear_instance_cache()


def test_an_address_is_signed_for_one_file_and_an_hour(public: rsa.RSAPublicKey) -> None:
    found = address_in_store(UPath("gs://people/lake"), Announced("up_1", ".csv"), HOLDS)
    assert found is not None
    url = urlsplit(found.url)
    assert (url.scheme, url.netloc, url.path) == ("https", "storage.googleapis.com", "/people/lake/_uploads/up_1/announced.csv")
    query = dict(parse_qsl(url.query))
    moment, scope = query["X-Goog-Date"], query["X-Goog-Credential"].removeprefix(f"{WHO}/")
    assert scope == f"{moment[:8]}/auto/storage/goog4_request"
    assert (query["X-Goog-Algorithm"], query["X-Goog-Expires"]) == ("GOOG4-RSA-SHA256", "3600")
    assert (query["X-Goog-SignedHeaders"], dict(found.headers)) == ("host", {}), "what is signed has to be sent"
    asked, _, signature = url.query.rpartition("&X-Goog-Signature=")
    request = "\n".join(["PUT", url.path, asked, f"host:{url.netloc}", "", "host", "UNSIGNED-PAYLOAD"])
    told = "\n".join(["GOOG4-RSA-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    public.verify(bytes.fromhex(signature), told.encode(), padding.PKCS1v15(), SHA256())
