"""Every gitlab.rb example of GitLab's container registry administration, in the Python form."""

from __future__ import annotations

import pytest

from ctl.settings.secrets.token_pair import TokenPair
from tests.harness.settings_site import Site, lookup

GITLAB = 'external_url("https://gitlab.example.com")\nletsencrypt["enable"] = False\n'
HERE = GITLAB + 'registry_external_url("https://gitlab.example.com:5050")\n'

S3 = {
    "accesskey": "s3-access-key",
    "secretkey": "s3-secret-key-for-access-key",
    "bucket": "your-s3-bucket",
    "region": "your-s3-region",
    "regionendpoint": "your-s3-regionendpoint",
}

EXAMPLES: dict[str, tuple[str, dict[str, object]]] = {
    "Configure container registry under an existing GitLab domain": (
        HERE
        + 'registry_nginx["ssl_certificate"] = "/path/to/certificate.pem"\n'
        + 'registry_nginx["ssl_certificate_key"] = "/path/to/certificate.key"\n',
        {
            "registry.enable": True,
            "registry.nginx.listen_port": 5050,
            "registry.nginx.https": True,
            "registry.nginx.ssl_certificate": "{root}/path/to/certificate.pem",
            "registry.nginx.ssl_certificate_key": "{root}/path/to/certificate.key",
            "registry.token_realm": "https://gitlab.example.com",
            "gitlab_rails.registry_host": "gitlab.example.com",
            "gitlab_rails.registry_port": 5050,
        },
    ),
    "The same behind a load balancer, on port 5678": (
        GITLAB
        + 'registry_external_url("https://registry-gitlab.example.com")\n'
        + 'registry_nginx["redirect_http_to_https"] = True\nregistry_nginx["listen_port"] = 5678\n',
        {
            "registry.nginx.listen_port": 5678,
            "registry.nginx.redirect_http_to_https": True,
            "registry.nginx.redirect_http_to_https_port": 80,
            "gitlab_rails.registry_port": None,
        },
    ),
    "Configure container registry under its own domain": (
        GITLAB + 'registry_external_url("https://registry.gitlab.example.com")\n',
        {
            "registry.nginx.ssl_certificate": "{root}/etc/gitlab/ssl/registry.gitlab.example.com.crt",
            "registry.nginx.ssl_certificate_key": "{root}/etc/gitlab/ssl/registry.gitlab.example.com.key",
            "registry.nginx.listen_port": 443,
        },
    ),
    "The same with a wildcard certificate": (
        GITLAB
        + 'registry_external_url("https://registry.gitlab.example.com")\n'
        + 'registry_nginx["ssl_certificate"] = "/etc/gitlab/ssl/certificate.pem"\n'
        + 'registry_nginx["ssl_certificate_key"] = "/etc/gitlab/ssl/certificate.key"\n',
        {"registry.nginx.ssl_certificate": "{root}/etc/gitlab/ssl/certificate.pem"},
    ),
    "Disable container registry site-wide": (
        HERE + 'registry["enable"] = False\n',
        {"registry.enable": False, "nginx.enable": False, "gitlab_rails.registry_enabled": False},
    ),
    "Disable container registry for new projects site-wide": (
        HERE + 'gitlab_rails["gitlab_default_projects_features_container_registry"] = False\n',
        {
            "gitlab_rails.gitlab_default_projects_features_container_registry": False,
            "gitlab_rails.gitlab_default_projects_features_wiki": None,
        },
    ),
    "Use file system": (
        HERE + 'gitlab_rails["registry_path"] = "/path/to/registry/storage"\n',
        {
            "gitlab_rails.registry_path": "{root}/path/to/registry/storage",
            "registry.storage": {
                "filesystem": {"rootdirectory": "{root}/path/to/registry/storage"},
                "cache": {"blobdescriptor": "inmemory"},
                "delete": {"enabled": True},
            },
        },
    ),
    "Change the registry's internal port": (
        HERE + 'registry["registry_http_addr"] = "localhost:5010"\n',
        {
            "registry.registry_http_addr": "localhost:5010",
            "gitlab_rails.registry_api_url": "http://localhost:5010",
        },
    ),
    "Use an external container registry with GitLab as an auth endpoint": (
        GITLAB
        + """
gitlab_rails["registry_enabled"] = True
gitlab_rails["registry_api_url"] = "https://external.example.com:5000"
gitlab_rails["registry_issuer"] = "gitlab-issuer"
registry["internal_key"] = env("KEY")
gitlab_rails["registry_key_path"] = "/custom/path/to/registry-key.key"
gitlab_rails["registry_host"] = "registry.gitlab.example.com"
gitlab_rails["registry_port"] = "5005"
""",
        {
            "registry.enable": False,
            "nginx.enable": False,
            "gitlab_rails.registry_enabled": True,
            "gitlab_rails.registry_api_url": "https://external.example.com:5000",
            "gitlab_rails.registry_issuer": "gitlab-issuer",
            "gitlab_rails.registry_key_path": "{root}/custom/path/to/registry-key.key",
            "gitlab_rails.registry_host": "registry.gitlab.example.com",
            "gitlab_rails.registry_port": 5005,
            "registry.internal_key": "{key}",
        },
    ),
    "Configure container registry notifications": (
        HERE
        + """
registry["notifications"] = [
    {
        "name": "test_endpoint",
        "url": "https://gitlab.example.com/notify",
        "timeout": "500ms",
        "threshold": 5,
        "maxretries": 5,
        "backoff": "1s",
        "headers": {"Authorization": ["AUTHORIZATION_EXAMPLE_TOKEN"]},
    }
]
""",
        {
            "registry.notifications": [
                {
                    "name": "test_endpoint",
                    "url": "https://gitlab.example.com/notify",
                    "timeout": "500ms",
                    "threshold": 5,
                    "maxretries": 5,
                    "backoff": "1s",
                    "headers": {"Authorization": ["AUTHORIZATION_EXAMPLE_TOKEN"]},
                }
            ]
        },
    ),
    "Configure Registry on a node of its own": (
        """
registry_external_url("https://registry.gitlab.example.com")
registry["registry_http_addr"] = "0.0.0.0:5000"
registry["token_realm"] = "https://gitlab.example.com"
registry["http_secret"] = "a-random-string"
registry["internal_certificate"] = env("CERTIFICATE")
registry["rootcertbundle"] = "/custom/registry.crt"
registry["health_storagedriver_enabled"] = False
gitlab_rails["registry_issuer"] = "gitlab-issuer"
""",
        {
            "gitlab_rails.enable": False,
            "registry.token_realm": "https://gitlab.example.com",
            "registry.http_secret": "a-random-string",
            "registry.internal_certificate": "{certificate}",
            "registry.rootcertbundle": "{root}/custom/registry.crt",
            "registry.health_storagedriver_enabled": False,
            "gitlab_rails.registry_issuer": "gitlab-issuer",
        },
    ),
    "Configure GitLab without the registry": (
        GITLAB
        + """
gitlab_rails["registry_enabled"] = True
gitlab_rails["registry_api_url"] = "http://registry.internal:5000"
gitlab_rails["registry_host"] = "registry.gitlab.example"
gitlab_rails["registry_port"] = 443
gitlab_rails["registry_issuer"] = "gitlab-issuer"
gitlab_rails["internal_key"] = env("KEY")
""",
        {"registry.enable": False, "gitlab_rails.enable": True, "registry.internal_key": "{key}"},
    ),
    "Supporting older Docker clients": (
        HERE + 'registry["compatibility_schema1_enabled"] = True\n',
        {"registry.compatibility_schema1_enabled": True},
    ),
    "Image push errors": (
        HERE + 'registry["env"] = {"REGISTRY_HTTP_RELATIVEURLS": True}\n',
        {"registry.env": {"REGISTRY_HTTP_RELATIVEURLS": True}},
    ),
    "Enable the Registry debug server": (
        HERE + 'registry["debug_addr"] = "localhost:5001"\n',
        {"registry.debug_addr": "localhost:5001"},
    ),
    "Missing gitlab-registry.key prevents container repository deletion": (
        HERE + 'registry["enable"] = False\ngitlab_rails["registry_enabled"] = True\n',
        {"registry.enable": False, "gitlab_rails.registry_enabled": True},
    ),
}

STORAGE: dict[str, dict[str, object]] = {
    "s3": {"s3": S3},
    "s3 with an IAM role": {"s3": {"bucket": "your-s3-bucket", "region": "your-s3-region"}},
    "s3 through a VPC endpoint": {"s3": S3 | {"regionendpoint": "your-s3-vpc-endpoint", "pathstyle": False}},
    "s3 with a rate limit": {"s3": S3 | {"maxrequestspersecond": 100}},
    "s3 without redirects": {"s3": S3, "redirect": {"disable": True}},
    "s3 encrypted": {"s3": S3 | {"encrypt": True}},
    "s3 with a chunk size": {"s3": S3 | {"chunksize": 25000000}},
    "gcs": {"gcs": {"bucket": "BUCKET_NAME", "keyfile": "PATH/TO/KEYFILE"}},
    "gcs, shared": {"gcs": {"bucket": "B", "keyfile": "K", "rootdirectory": "/gcs/object/name/prefix"}},
    "azure": {
        "azure": {
            "accountname": "accountname",
            "accountkey": "base64encodedaccountkey",
            "container": "containername",
            "rootdirectory": "/azure/virtual/container",
            "trimlegacyrootprefix": True,
        }
    },
    "azure for governments": {
        "azure": {"accountname": "a", "accountkey": "k", "container": "c", "realm": "core.usgovcloudapi.net"}
    },
    "read-only": {"inmemory": {}, "maintenance": {"readonly": {"enabled": True}}},
    "read-write again": {"inmemory": {}, "maintenance": {"readonly": {"enabled": False}}},
}


@pytest.mark.parametrize(("text", "expected"), EXAMPLES.values(), ids=EXAMPLES)
def test_examples(site: Site, pair: TokenPair, text: str, expected: dict[str, object]) -> None:
    environment = {"KEY": pair.key, "CERTIFICATE": pair.certificate}
    attributes = site.attributes(text, environment=environment)
    places = {"{root}": str(site.folder), "{key}": pair.key, "{certificate}": pair.certificate}
    for name, value in expected.items():
        assert (name, lookup(attributes, name)) == (name, _filled(value, places))


def _filled(value: object, places: dict[str, str]) -> object:
    if isinstance(value, dict):
        return {key: _filled(one, places) for key, one in value.items()}
    if isinstance(value, str):
        for name, text in places.items():
            value = value.replace(name, text)
    return value


@pytest.mark.parametrize("value", STORAGE.values(), ids=STORAGE)
def test_storage(site: Site, value: dict[str, object]) -> None:
    text = f'{HERE}registry["storage"] = {value!r}\n'
    expected = {"cache": {"blobdescriptor": "inmemory"}, "delete": {"enabled": True}} | value
    assert site.value(text, "registry.storage") == expected
    assert site.warnings(text) == []


def test_letsencrypt_brings_the_registry_to_port_5050(site: Site) -> None:
    """'Linux package installations': available on your GitLab domain, port 5050, with Let's Encrypt."""
    attributes = site.attributes('external_url("https://gitlab.public-site.eu")\n')
    assert attributes.registry.enable
    assert attributes.registry.nginx.listen_port == 5050


def test_an_automatic_registry_keeps_the_address_given_beside_it(site: Site) -> None:
    text = GITLAB + 'registry["enable"] = True\ngitlab_rails["registry_host"] = "r.example.com"\n'
    rails = site.attributes(text + 'gitlab_rails["registry_port"] = "5005"\n').gitlab_rails
    assert (rails.registry_host, rails.registry_port) == ("r.example.com", 5005)
