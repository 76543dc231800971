"""One session folder on disk: parsing, editing, locking, judging.

Each file format has a module that parses and edits it without changing other bytes; `gate` records decisions,
`snapshot` combines all files into the state, and the guards restore what an agent was not allowed to change. Imports no
other package: it starts no agent and knows neither settings nor Telegram.
"""
