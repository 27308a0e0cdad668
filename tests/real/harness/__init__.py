"""What the tests with real programs share: private roots, images, clients, users, looks at the machine."""
