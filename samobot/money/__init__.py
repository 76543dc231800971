"""Costs and spending, read from the journals.

Sums of what was spent, and the budget of the day. Decisions about budgets belong to the worker, their display to the
terminal and the chat.
"""
