"""Every certificate of a node, and the trust stores of this machine."""
