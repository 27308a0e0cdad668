# GitLab container registry administration:
# "Configure `s3` and `gcs` storage drivers for Linux package installations"
# Needs a registry program with the gcs driver; the distribution's has none.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["storage"] = {
    "gcs": {
        "bucket": "BUCKET_NAME",
        "keyfile": "/path/to/keyfile",
        # For a bucket that is shared with other applications:
        # "rootdirectory": "/gcs/object/name/prefix",
    },
}
