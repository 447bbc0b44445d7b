"""The operators of examples/ops beside what others run for the same computation."""

from __future__ import annotations

from language.rows import Row


def rows() -> list[Row]:
    """All rows. The modules of the peers are imported here: they take seconds."""
    from language import boxes, movement, rows_of_tables, sampling, selection, sequences

    parts = (movement, sampling, boxes, rows_of_tables, sequences, selection)
    return [row for part in parts for row in part.rows()]
