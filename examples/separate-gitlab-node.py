# GitLab container registry administration:
# "Configure GitLab and Registry to run on separate nodes (Linux package installations)"
# GitLab's machine: no registry here. It gets the key, and the registry's machine the certificate of the pair.

external_url = "https://gitlab.example.com"

gitlab_rails["registry_enabled"] = True
gitlab_rails["registry_api_url"] = "https://registry.gitlab.example.com"
gitlab_rails["registry_host"] = "registry.gitlab.example.com"
gitlab_rails["registry_port"] = 443
gitlab_rails["registry_issuer"] = "gitlab-issuer"
gitlab_rails["internal_key"] = read_file(env("REGISTRY_KEY", "/etc/gitlab/registry-internal.key"))
