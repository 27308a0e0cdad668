# GitLab container registry administration:
# "Performing garbage collection without downtime"
# Pulls go on, pushes are refused: for a garbage collection, or the last step of a move to another storage
# ("Migrate to object storage without downtime"). Give False afterwards, and reconfigure again.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["storage"] = {
    "filesystem": {"rootdirectory": "/var/opt/gitlab/gitlab-rails/shared/registry"},
    "maintenance": {"readonly": {"enabled": True}},
}
