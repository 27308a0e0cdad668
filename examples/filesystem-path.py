# GitLab container registry administration:
# "Use file system"
# Images are on another disk. The folder is made with the owner that the registry needs.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

gitlab_rails["registry_path"] = "/path/to/registry/storage"
