# GitLab container registry administration:
# "Run the Cleanup policy now"
# Every Saturday at two: of each image of the group `team` the ten newest stay, releases, and what is younger than a
# month. What goes can be brought back for a day: ctl registry-cleanup --undo RUN. `ctl registry-cleanup --explain`
# shows for each tag why it stays or goes, and changes nothing.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry_cleanup["enable"] = True
registry_cleanup["schedule"] = "0 2 * * 6"
registry_cleanup["policies"] = [
    {
        "repositories": "team/**",
        "name_regex": ".*",
        "name_regex_keep": "(v.+|main|release-.*)",
        "keep_n": 10,
        "older_than": "30d",
    },
]
