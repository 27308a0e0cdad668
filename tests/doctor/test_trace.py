"""`ctl doctor --trace`: what is shown of requests, without a node."""

from __future__ import annotations

from ctl.doctor.trace import starred

SECRET = frozenset(["s3cret-value"])


def test_signatures_and_states_are_starred() -> None:
    url = "https://b.s3.amazonaws.com/x?X-Amz-Credential=AKIA%2F2026&X-Amz-Signature=abcdef&partNumber=1"
    text = starred(url)
    assert "AKIA" not in text
    assert "abcdef" not in text
    assert text.endswith("partNumber=1")
    assert "7p0rEF4Q" not in starred("https://h/v2/a/blobs/uploads/u?_state=7p0rEF4Q_bX&digest=sha256:1")


def test_known_secrets_are_starred() -> None:
    assert "s3cret-value" not in starred("https://h/?x=s3cret-value", SECRET)
    assert starred("https://ada:s3cret-value@h/", SECRET).count("s3cret") == 0
