"""Finding fast schedules by measuring: `tune` fills a file of records that `compile` obeys.

records    the file: SQLite, one row for each kind of group on each kind of machine
space      which schedules of a group are tried, and in which order
measuring  the process that compiles, checks and times them, seen from outside
child      the same from inside
search     how the time is spent
"""

from .records import Records, RecordsWarning
from .search import GroupResult, Tuning, tune

__all__ = ["GroupResult", "Records", "RecordsWarning", "Tuning", "tune"]
