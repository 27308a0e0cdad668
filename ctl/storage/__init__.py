"""One client for the storage of images: a folder, S3, Google Cloud Storage, Azure. It knows no settings."""
