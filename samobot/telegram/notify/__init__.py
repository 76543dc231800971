"""Which notifications each chat gets, and when.

Level-triggered: the state of a session is compared with what was last sent, and the difference is sent. Reacts to
sessions, not to updates; a reply to a command belongs to `handlers`.
"""
