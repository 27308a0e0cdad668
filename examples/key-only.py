# GitLab container registry administration:
# "Missing `gitlab-registry.key` prevents container repository deletion"
# The registry is disabled, but GitLab keeps the key, so that projects with images can be deleted.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["enable"] = False
gitlab_rails["registry_enabled"] = True
