"""Names: known ones, old spellings, other components' and mistyped ones, each with its place."""

from __future__ import annotations

import pytest

from ctl.settings.options.foreign import ELSEWHERE, FOREIGN
from tests.harness.settings_site import BOTH, Site


@pytest.mark.parametrize(
    ("line", "setting", "near"),
    [
        ('registry["log_levl"] = "info"', "registry.log_levl", "log_level"),
        ('registry["nginx"]["listen_prot"] = 5', "registry.nginx.listen_prot", "listen_port"),
        ('registry_nginx["ssl_certifcate"] = "/c"', "registry.nginx.ssl_certifcate", "ssl_certificate"),
        ('gitlab_rails["registry_api_ur"] = "x"', "gitlab_rails.registry_api_ur", "registry_api_url"),
        ('gitlab_rails["regsitry_path"] = "/x"', "gitlab_rails.regsitry_path", "registry_path"),
        ('gitlab_rails["shared_pth"] = "/x"', "gitlab_rails.shared_pth", "shared_path"),
        ('nginx["worker_proceses"] = 1', "nginx.worker_proceses", "worker_processes"),
        ('nginx["status"]["prot"] = 1', "nginx.status.prot", "port"),
        ('letsencrypt["contact_email"] = []', "letsencrypt.contact_email", "contact_emails"),
        ('user["user"] = "git"', "user.user", "username"),
        ('logging["svlogd_sise"] = 1', "logging.svlogd_sise", "svlogd_size"),
        (
            'package["generate_secret_json_file"] = False',
            "package.generate_secret_json_file",
            "generate_secrets",
        ),
        ('manage_accounts["enabled"] = False', "manage_accounts.enabled", "enable"),
    ],
)
def test_a_mistyped_name(site: Site, line: str, setting: str, near: str) -> None:
    (error,) = site.errors(BOTH + line)
    assert error.setting == setting
    assert near in error.hint
    assert error.location is not None
    assert error.location.line == 4


@pytest.mark.parametrize("line", ['registry["nginx"] = "on"', 'nginx["status"] = 8060', "registry = []"])
def test_a_section_is_a_dictionary(site: Site, line: str) -> None:
    name = line.partition(" = ")[0].replace('["', ".").removesuffix('"]')
    error = site.error(BOTH + line)
    assert f" error: {name}" in error
    assert " a dictionary, not " in error
    assert f'Write {line.partition(" = ")[0]}["key"] = value' in error


def test_other_components_are_one_note(site: Site) -> None:
    text = BOTH + 'sidekiq["concurrency"] = 5\npostgresql["enable"] = False\n'
    assert site.notes(text) == ["note: ignored, other components: postgresql, sidekiq"]


def test_keys_of_gitlab_itself_are_in_that_note(site: Site) -> None:
    text = BOTH + (
        'gitlab_rails["time_zone"] = "UTC"\ngitlab_rails["smtp_enable"] = True\n'
        'gitlab_rails["smtp_port"] = 25\ngitlab_rails["object_store"]["enabled"] = True\n'
        'gitlab_rails["geo_registry_replication_enabled"] = True\n'
        'nginx["client_max_body_size"] = "250m"\nprometheus_monitoring["enable"] = False\nroles(["redis_role"])\n'
    )
    assert site.notes(text) == [
        "note: ignored, other components: gitlab_rails (geo_registry_replication_enabled, object_store, "
        "smtp_enable and 2 more), "
        "nginx (client_max_body_size), prometheus_monitoring, roles"
    ]


def test_every_name_of_another_component(site: Site) -> None:
    names = sorted([*FOREIGN, "geo_primary_role"])
    for form in ('{}["enable"] = False', '{} = "x"', '{}("x")'):
        text = BOTH + "\n".join(form.format(name) for name in names)
        assert site.notes(text) == [f"note: ignored, other components: {', '.join(names)}"]


def test_keys_that_only_a_gitlab_rb_has_are_in_that_note(site: Site) -> None:
    text = BOTH + "".join(
        f"{''.join([first, *(f'[{key!r}]' for key in [*inner, one])])} = {{}}\n"
        for section, keys in ELSEWHERE.items()
        for first, *inner in [section.split(".")]
        for one in sorted(keys)
    )
    (note,) = site.notes(text)
    for section in ELSEWHERE:
        assert f"{section} (" in note


def test_they_are_known_in_the_older_spelling_of_the_vhost_too(site: Site) -> None:
    (note,) = site.notes(BOTH + 'registry_nginx["consul_service_name"] = "r"\n')
    assert note == "note: ignored, other components: registry.nginx (consul_service_name)"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('registry_nginx["client_max_body_size"] = "250m"', "layers may be of any size"),
        (
            'registry["nginx"]["worker_processes"] = 4',
            'a setting of the whole server, nginx["worker_processes"]',
        ),
        ('registry["logrotate_rotate"] = 4', "svlogd rotates the registry's log"),
        ('logging["logrotate_method"] = "copytruncate"', "NGINX opens its logs anew"),
        ('nginx["logrotate_postrotate"] = "true"', "NGINX opens its logs anew"),
    ],
)
def test_settings_of_programs_that_run_here_are_no_other_components(
    site: Site, line: str, reason: str
) -> None:
    (note,) = site.notes(BOTH + line + "\n")
    assert "is not done here: " in note
    assert reason in note
    assert "gitlab.py:4:" in note


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ('package["modify_kernal_parameters"] = False', "modify_kernel_parameters"),
        ('user["git_user_mail"] = "a@b"', "git_user_email"),
        ('logging["logrotate_frequence"] = "daily"', "logrotate_frequency"),
        ('registry_nginx["client_max_bodysize"] = 0', "client_max_body_size"),
        ('registry["nginx"]["listen_prot"] = 5050', "listen_port"),
    ],
)
def test_a_slip_in_any_of_them_is_an_error(site: Site, line: str, near: str) -> None:
    assert f'Did you mean "{near}"?' in site.error(BOTH + line)


def test_the_other_spelling_of_the_vhost(site: Site) -> None:
    text = BOTH + 'registry_nginx["listen_port"] = 5678\n'
    assert site.value(text, "registry.nginx.listen_port") == 5678
    assert not site.warnings(text)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_spellings_the_later_holds(site: Site, order: int) -> None:
    lines = ['registry_nginx["listen_port"] = 1111', 'registry["nginx"]["listen_port"] = 2222'][::order]
    expected = 2222 if order == 1 else 1111
    assert site.value(BOTH + "\n".join(lines), "registry.nginx.listen_port") == expected


def test_numbers_and_texts_of_ports_are_alike(site: Site) -> None:
    for written in ("5005", '"5005"'):
        text = f'external_url = "https://g"\ngitlab_rails["registry_port"] = {written}\n'
        assert site.value(text + 'letsencrypt["enable"] = False', "gitlab_rails.registry_port") == 5005


def test_one_address_is_a_list_of_one_and_that_is_reported(site: Site) -> None:
    text = BOTH + 'registry["nginx"]["listen_addresses"] = "127.0.0.1"\n'
    assert site.value(text, "registry.nginx.listen_addresses") == ["127.0.0.1"]
    (note,) = site.notes(text)
    assert "taken for a list of one" in note


def test_postgresql_settings_that_are_read_are_checked(site: Site) -> None:
    assert "postgresql.port: must be a port" in site.error(BOTH + 'postgresql["port"] = "many"')
