# GitLab container registry administration:
# "Supporting older Docker clients"
# Manifests of Docker 1.9 and older.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["compatibility_schema1_enabled"] = True
