"""The conformance kit, run on the connector for warehouses."""

from tallystick_sql.kit import SqlKit


class TestSql(SqlKit):
    """The connector for warehouses passes the kit."""
