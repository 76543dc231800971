"""The bot's own state in SQLite, a module a table.

Rows and transactions only; what they mean belongs to the packages above. A change of the schema is a new step in
`schema`.
"""
