"""Costs and spending, read from the journals."""
