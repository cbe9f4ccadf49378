"""Forgetting a person or an account: in raw exports, tables, pages, logs, caches and the store."""
