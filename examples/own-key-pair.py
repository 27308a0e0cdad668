# GitLab container registry administration:
# "Docker login attempt fails with: 'token signed by untrusted key'"
# A key pair of one's own between GitLab and the registry instead of the generated one. They must match.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["internal_key"] = read_file(env("REGISTRY_KEY", "/etc/gitlab/registry-internal.key"))
registry["internal_certificate"] = read_file(env("REGISTRY_CERTIFICATE", "/etc/gitlab/registry-internal.crt"))
