"""The drivers of storage that there is a client for."""

OBJECT_STORAGE = ("s3", "s3aws", "s3_v2", "gcs", "azure", "azure_v2")
"""As Distribution and GitLab's registry name them."""
WITH_CLIENT = ("filesystem", *OBJECT_STORAGE)
