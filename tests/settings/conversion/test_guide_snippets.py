"""Every gitlab.rb snippet of GitLab's container registry administration, read directly and converted."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.settings.conversion.both import converted
from tests.settings.conversion.outcomes import outcome

SNIPPETS = sorted((Path(__file__).parents[2] / "language/ruby/guide_snippets").glob("*.rb"))
HERE = "external_url 'https://gitlab.example.com'\nletsencrypt['enable'] = false\n"
OWN = "registry_external_url 'https://gitlab.example.com:5050'\n"
PLACEHOLDERS = {
    "<external_registry_host>": "registry.example.com",
    "<your_registry_storage_path>": "/srv/registry",
    "'your-s3-region'": "'eu-west-1'",
    "'your-s3-regionendpoint'": "'https://s3.example.com'",
    "'your-s3-vpc-endpoint'": "'https://vpc.example.com'",
    "PATH/TO/KEYFILE": "/etc/gitlab/gcs.json",
}
NOT_COMPLETE = {
    "26-s3-chunksize": "region",
    "18-external-registry-key": "internal_key",
}
"""What the guide leaves out of a snippet (the region), or shortens (the key), is an error in both languages."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def _whole(snippet: Path) -> str:
    text = snippet.read_text()
    for placeholder, filled in PLACEHOLDERS.items():
        text = text.replace(placeholder, filled)
    external = "external-registry" in snippet.stem or "registry_external_url" in text
    return HERE + ("" if external else OWN) + text


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[path.stem for path in SNIPPETS])
def test_a_snippet_means_the_same_in_both_languages(snippet: Path, folder: Path) -> None:
    text = _whole(snippet)
    ruby, python = folder / "gitlab.rb", folder / "gitlab.py"
    ruby.write_text(text)
    python.write_text(converted(text))
    direct, via = outcome(ruby, folder), outcome(python, folder)
    assert direct == via
    missing = NOT_COMPLETE.get(snippet.stem)
    if missing is None:
        assert direct[0], direct[1]
    else:
        assert not direct[0]
        assert any(missing in message for message in direct[1])


def test_a_pair_that_is_commented_out_stays_one() -> None:
    lines = converted((SNIPPETS[0].parent / "12-gcs.rb").read_text()).splitlines()
    assert lines[5].strip() == '# "rootdirectory": "/gcs/object/name/prefix"'
    assert "uncomment the following:" in lines[4]
