"""Schedules drawn from the spaces of groups of all classes give the naive result."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from longtail.tuning.measuring import Measurer

# Of each class; the campaign (`make schedules`) draws hundreds.
SAMPLE = 6


@pytest.fixture(scope="module")
def spaces() -> ModuleType:
    path = Path(__file__).with_name("spaces.py")
    spec = importlib.util.spec_from_file_location("tuning_spaces", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def groups(spaces: ModuleType) -> dict:
    return spaces.groups()


def test_every_class_has_groups_and_enough_schedules(spaces: ModuleType, groups: dict) -> None:
    sizes = {family: sum(len(g.candidates) for g in groups[family]) for family in spaces.FAMILIES}
    assert min(sizes.values()) >= 200, sizes


@pytest.mark.parametrize("family", ["contraction", "window", "rows", "pointwise", "grid"])
def test_drawn_schedules_give_the_naive_result(
    spaces: ModuleType, groups: dict, family: str
) -> None:
    members = groups[family]
    drawn = spaces.draws(members, SAMPLE, seed=11)
    with Measurer() as measurer:
        wrong = [
            text
            for number, schedules in drawn.items()
            for text in spaces.check(measurer, members[number], schedules)
        ]
    assert not wrong


def test_a_group_alone_has_the_key_that_it_has_in_the_model(groups: dict) -> None:
    from longtail import _compiler

    for members in groups.values():
        for group in members[:3]:
            settings = {"to": "schedule", "from": "schedule"}
            settings["tuning"] = {"threads": 1, "best": 1}
            alone = _compiler.compile(group.text.encode(), settings, None).report()["tuning"]
            assert group.key in {f"{each['group']}|{each['shapes']}" for each in alone}


def test_spaces_are_sorted_and_without_repetition(groups: dict) -> None:
    for members in groups.values():
        for group in members:
            texts = [text for text, _ in group.candidates]
            cycles = [estimate for _, estimate in group.candidates]
            assert texts
            assert len(set(texts)) == len(texts)
            assert cycles == sorted(cycles)
            assert cycles[0] > 0
