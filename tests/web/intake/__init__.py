"""A package, so that what runs for its tests ends with the last of them."""
