"""What tests share: real programs on loopback ports, private roots, images, clients, users, looks at the machine."""
