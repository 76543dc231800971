"""Setting samobot up: what `samobot init` finds out, and what it writes at the very end.

Checks and plans without questions: `terminal` asks, this package decides and writes. `doctor` turns the facts of
`checks` into findings.
"""
