# GitLab container registry administration:
# "Use an external container registry with GitLab as an auth endpoint"
# This machine has GitLab's side only: gitlab.yml and the key that signs tokens. The registry elsewhere
# has the key's certificate as its rootcertbundle, and the same issuer.

external_url = "https://gitlab.example.com"

gitlab_rails["registry_enabled"] = True
gitlab_rails["registry_api_url"] = "https://registry.internal.example.com:5000"
gitlab_rails["registry_issuer"] = "gitlab-issuer"

# What users see:
gitlab_rails["registry_host"] = "registry.gitlab.example.com"
gitlab_rails["registry_port"] = "5005"

# The key's text, and where it should be written:
registry["internal_key"] = read_file(env("REGISTRY_KEY", "/etc/gitlab/registry-internal.key"))
gitlab_rails["registry_key_path"] = "/custom/path/to/registry-key.key"
