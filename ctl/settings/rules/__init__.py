"""Named derivations: how the values of options follow from each other."""
