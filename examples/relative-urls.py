# GitLab container registry administration:
# "Image push errors"
# Uploads behind another proxy that ends TLS: the registry's answers name paths, not whole addresses.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["env"] = {"REGISTRY_HTTP_RELATIVEURLS": True}
