"""What the node does, as numbers for Prometheus."""
