"""Which notifications each chat gets, and when."""
