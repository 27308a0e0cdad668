"""A self-compiled GitLab: its own gitlab.yml gets the registry, and keeps every other byte."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from tests.harness.root import Root, RootMaker

pytestmark = pytest.mark.real

GITLAB_YML = "home/git/gitlab/config/gitlab.yml"
BACKUP = f"{GITLAB_YML}.ctl-backup"
REGISTRY = """\
  ## Container registry
  registry:   # ask the platform team before you touch it
    # enabled: false
    host: 'old.example.com'   # shown to users
    port:
    api_url: http://localhost:5000/ # inside
    key: config/registry.key
    tokens: {lifetime: 600}
"""


def section(name: str) -> str:
    """A section as people have them, with a merge, odd spacing, and what is commented out."""
    return f"""\

  ## {name.title()}
  # Stored below shared/{name}, or with a provider.
  {name}:
    enabled:   true
    # path: shared/{name}
    object_store:
      <<: *store
      remote_directory: "{name}"   # the bucket
      connection:
        <<: *connection
        path_style: yes
      # proxy_download: false
      labels: [ 'a: b', "#{name}",
                plain ]
"""


def gitlab_yml(registry: str = REGISTRY) -> str:
    """A grown gitlab.yml of about 300 lines."""
    kinds = ["artifacts", "external_diffs", "lfs", "uploads", "packages", "terraform_state", "pages"]
    servers = "".join(
        f"      server{number}:\n        label: 'LDAP {number}'\n        host: ldap{number}.example.com\n"
        f"        port: 636\n        password: 'p4ss-{number}'\n        # verify_certificates: true\n"
        f"        base: >-\n          ou=people,\n          dc=example\n"
        for number in range(1, 12)
    )
    return (
        "# GitLab application config file\n# Grown since 2014. Grüße!\n\n"
        ".store: &store {enabled: false, direct_upload: true}\n.connection: &connection\n  provider: AWS\n"
        "  aws_secret_access_key: 's3cr3t'\n\nproduction: &base\n  gitlab:\n    host: gitlab.example.com\n"
        "    port: 443 # TLS\n    https: true\n    default_projects_features:\n      issues: true\n"
        "      container_registry: true   # all projects\n\n    trusted_proxies:\n      # - 192.168.1.0/24\n\n"
        + "".join(section(kind) for kind in kinds)
        + f"\n{registry}\n  ldap:\n    enabled: true\n    servers:\n{servers}\n"
        + "  extra:\n    text: |+\n      kept  \n\n\ndevelopment:\n  <<: *base\n\n"
        + "test:\n  <<: *base\n  gitlab:\n    host: localhost\n# the end"
    )


LINE = f'gitlab_rails["gitlab_yml_path"] = "/{GITLAB_YML}"'
FEATURE = 'gitlab_rails["gitlab_default_projects_features_container_registry"] = False'


@pytest.fixture
def root(make_root: RootMaker) -> Root:
    made = make_root()
    made.write(GITLAB_YML, gitlab_yml(), mode=0o640)
    made.settings(LINE, FEATURE)
    return made


def test_only_the_registry_changes_and_a_second_run_changes_nothing(root: Root) -> None:
    before = root.read(GITLAB_YML)
    assert len(before.splitlines()) > 250
    report = root.reconfigure()
    assert GITLAB_YML in report.paths
    assert "s3cr3t" not in str(report.raw)
    after = root.read(GITLAB_YML)
    key = root.path / "var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key"
    images = root.path / "var/opt/gitlab/gitlab-rails/shared/registry"
    wanted = before.replace("'old.example.com'", '"localhost"').replace(
        "    port:\n", f"    port: {root.port}\n"
    )
    wanted = wanted.replace("http://localhost:5000/", f'"http://127.0.0.1:{root.registry_port}"')
    wanted = wanted.replace("key: config/registry.key", f'key: "{key}"')
    wanted = wanted.replace("container_registry: true", "container_registry: false")
    more = f'    enabled: true\n    path: "{images}"\n    issuer: "omnibus-gitlab-issuer"\n'
    assert after == wanted.replace("{lifetime: 600}\n", "{lifetime: 600}\n" + more)
    assert root.read(BACKUP) == before
    for name in (GITLAB_YML, BACKUP):
        assert stat.S_IMODE((root.path / name).stat().st_mode) == 0o640
    assert key.read_text() == root.secrets()["internal_key"]
    assert not (key.parent / "gitlab.yml").exists()
    assert yaml.safe_load(after)["test"]["registry"]["port"] == root.port
    snapshot = root.snapshot()
    assert root.reconfigure().nothing
    assert root.snapshot() == snapshot
    root.settings(LINE, FEATURE, 'gitlab_rails["registry_issuer"] = "other"')
    assert (
        f"GitLab reads {root.path / GITLAB_YML} when it starts: restart it"
        in root.ctl("reconfigure").exits(0).err
    )
    assert root.read(GITLAB_YML) == after.replace("omnibus-gitlab-issuer", "other")
    assert root.read(BACKUP) == before


def test_what_fails_is_put_back_to_the_byte(root: Root) -> None:
    before, inode = root.read(GITLAB_YML), (root.path / GITLAB_YML).stat().st_ino
    root.settings(LINE, 'registry["nginx"]["custom_gitlab_server_config"] = "no_such_directive on;"')
    root.ctl("reconfigure").exits(1)
    assert root.read(GITLAB_YML) == before
    blocker = root.write("opt/gitlab/etc/registry/env", "a file where a folder must be\n")
    root.settings(LINE)
    root.ctl("reconfigure").exits(1)
    assert (root.read(GITLAB_YML), (root.path / GITLAB_YML).stat().st_ino) == (before, inode)
    assert not (root.path / BACKUP).exists()
    blocker.unlink()
    root.reconfigure()


def test_a_run_that_breaks_off_late_restores_it(root: Root) -> None:
    """The registry passes every check and does not come up in earnest: by then gitlab.yml has been changed."""
    before, inode = root.read(GITLAB_YML), (root.path / GITLAB_YML).stat().st_ino
    script = (
        '#!/bin/sh\ncase "$REGISTRY_HTTP_NET$1" in unixserve) exit 1;; esac\n'
        f'exec {root.registry.program} "$@"\n'
    )
    program = root.write("failing", script, mode=0o755)
    root.settings(LINE, f'registry["executable"] = "{program}"')
    result = root.ctl("reconfigure", timeout=120).exits(1)
    # folders stay in which the services that ran meanwhile have left their logs
    assert "every file was put back" in result.err
    assert f"yaml[{root.path / GITLAB_YML}]" in result.out
    assert (root.read(GITLAB_YML), (root.path / GITLAB_YML).stat().st_ino) == (before, inode)
    assert not (root.path / BACKUP).exists()


def test_a_link_is_followed(root: Root) -> None:
    link, target = root.path / "home/git/link.yml", root.path / GITLAB_YML
    link.symlink_to(target)
    root.settings('gitlab_rails["gitlab_yml_path"] = "/home/git/link.yml"')
    root.reconfigure()
    assert link.is_symlink()
    assert "127.0.0.1" in target.read_text()
    assert (root.path / BACKUP).exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file"),
        ("production:\n  registry: [\n", "gitlab.yml:3:1: is not YAML"),
        (gitlab_yml("  registry: *store\n"), "production.registry is an alias of another place"),
    ],
)
def test_what_cannot_be_edited_is_reported_and_changes_nothing(
    make_root: RootMaker, content: str | None, message: str
) -> None:
    root = make_root()
    if content is not None:
        root.write(GITLAB_YML, content)
    root.settings(LINE)
    before = root.snapshot()
    result = root.ctl("reconfigure").exits(1)
    assert message in result.err
    assert not {
        name for name in root.snapshot() if name.startswith(("var/opt/gitlab/registry", "home"))
    } - set(before)
    assert not Path(root.path / BACKUP).exists()
