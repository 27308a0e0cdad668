# GitLab container registry administration:
# "Configure GitLab and Registry to run on separate nodes (Linux package installations)"
# The registry's machine: no GitLab here. It gets the certificate, and GitLab's machine the key of the pair.

registry_external_url = "https://registry.gitlab.example.com"

registry["registry_http_addr"] = "127.0.0.1:5000"
registry["token_realm"] = "https://gitlab.example.com"
registry["http_secret"] = read_file(env("REGISTRY_HTTP_SECRET", "/etc/gitlab/registry-http-secret")).strip()
registry["internal_certificate"] = read_file(env("REGISTRY_CERTIFICATE", "/etc/gitlab/registry-internal.crt"))
registry["health_storagedriver_enabled"] = True
gitlab_rails["registry_issuer"] = "gitlab-issuer"
