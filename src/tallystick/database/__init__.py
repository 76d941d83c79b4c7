"""The SQL database of a project: catalog, cursors, claims, ledger."""
