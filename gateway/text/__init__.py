"""Alphabets and budgets, Lao breaking, paging, amounts and dates: pure functions."""
