"""Which schedules are tried first."""

from __future__ import annotations

import dataclasses

from longtail.tuning.space import Group, fields_of, neighbours, shortlist


def schedule(rows: int, unroll: int, grain: int = 8) -> str:
    fields = f"rows = {rows}, vectors = 2, unroll = {unroll}, grain = {grain}"
    return f"#kernel.schedule<lanes = 16, {fields}>"


def group(candidates: list[tuple[str, float]], own: str = "") -> Group:
    values = {each.name: () for each in dataclasses.fields(Group)}
    return Group(**(values | {"schedule": own, "candidates": tuple(candidates)}))


def test_fields_have_names() -> None:
    assert fields_of(schedule(3, 4)) == {
        "lanes": 16,
        "rows": 3,
        "vectors": 2,
        "unroll": 4,
        "grain": 8,
    }


def test_other_tiles_come_before_more_of_one_tile() -> None:
    space = [(schedule(8, u), 100.0 + u) for u in (1, 2, 4)] + [(schedule(7, 1), 106.0)]
    assert shortlist(group(space), 3) == [schedule(8, 1), schedule(7, 1), schedule(8, 2)]


def test_the_models_own_and_the_hopeless_are_left_out() -> None:
    space = [(schedule(8, 1), 100.0), (schedule(7, 1), 110.0), (schedule(1, 1), 500.0)]
    assert shortlist(group(space, schedule(8, 1)), 10) == [schedule(7, 1)]
    assert shortlist(group([]), 10) == []


def test_neighbours_differ_in_one_field() -> None:
    every = [schedule(r, u, g) for r in (7, 8) for u in (1, 2) for g in (4, 8)]
    found = neighbours(group([(text, 1.0) for text in every]), schedule(8, 1, 8))
    assert sorted(found) == sorted([schedule(7, 1, 8), schedule(8, 2, 8), schedule(8, 1, 4)])
