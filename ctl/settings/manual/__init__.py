"""What the declarations of options are made into: reference, JSON Schema, starter file."""
