"""Many rows at once: handed to the driver itself, as Core would look at every value of every row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, insert

Row = tuple[Any, ...]


def write_rows(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows of plain values in the order of the table's columns, dates as ISO text.

    PostgreSQL takes them by COPY, SQLite by one prepared statement, both within the connection's transaction.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        columns = ", ".join(column.name for column in table.columns)
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        driver.executemany(str(insert(table).compile(dialect=connection.dialect)), rows)
