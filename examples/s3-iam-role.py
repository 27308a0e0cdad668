# GitLab container registry administration:
# "Configure `s3` and `gcs` storage drivers for Linux package installations"
# The machine's IAM role opens the bucket: no key in the settings.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["storage"] = {"s3": {"bucket": "your-s3-bucket", "region": "your-s3-region"}}
