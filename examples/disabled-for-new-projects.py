# GitLab container registry administration:
# "Disable container registry for new projects site-wide"
# The registry runs; owners of new projects turn it on for themselves.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

gitlab_rails["gitlab_default_projects_features_container_registry"] = False
