"""Converters: from the files that a package carries to the files that users load, one module a format."""
