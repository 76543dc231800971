"""Updates on their way in: polling, journal, access, dispatch.

Every update is on disk before it is acknowledged, and handled once. What an update means belongs to `handlers`.
"""
