# GitLab container registry administration:
# "Configure container registry under an existing GitLab domain"
# GitLab is compiled from source. Its own gitlab.yml gets the registry's settings, and keeps all others.
# GitLab reads that file when it starts: restart it after `ctl reconfigure` has changed it.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

gitlab_rails["gitlab_yml_path"] = "/home/git/gitlab/config/gitlab.yml"
gitlab_rails["registry_path"] = "/home/git/gitlab/shared/registry"
gitlab_rails["registry_key_path"] = "/home/git/gitlab/config/gitlab-registry.key"
