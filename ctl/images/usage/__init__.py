"""What fills the storage of a registry, by repository. It knows the collector's reading of a storage, no settings."""
