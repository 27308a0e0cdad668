# GitLab container registry administration:
# "Running the garbage collection on schedule"
# Every Sunday at half past three, while the registry serves. What goes can be brought back for a day:
# ctl registry-garbage-collect --history, --restore RUN.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry_garbage_collect["enable"] = True
registry_garbage_collect["schedule"] = "30 3 * * 0"
registry_garbage_collect["delete_untagged"] = True
