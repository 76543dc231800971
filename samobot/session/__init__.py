"""One session folder on disk: parsing, editing, locking, judging."""
