"""One file a file format: ``schema(file, source)`` and ``rows(file, source, columns)``, called by `guestlist.sources.files`."""
