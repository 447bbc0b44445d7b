"""A sample of the random models; `make random` runs many more."""

from __future__ import annotations

import random_campaign
import random_models

SAMPLE = range(1000, 1060)


def test_a_seed_gives_one_model() -> None:
    for seed in SAMPLE:
        (first, a), (second, b) = random_models.generate(seed), random_models.generate(seed)
        assert first.SerializeToString(deterministic=True) == second.SerializeToString(
            deterministic=True
        )
        assert all((a[name].tobytes() == b[name].tobytes()) for name in a)


def test_sample() -> None:
    results = list(random_campaign.campaign(SAMPLE.start, len(SAMPLE)))
    assert [int(each["seed"]) for each in results] == list(SAMPLE)
    failed = [each for each in results if each["result"] == "failed"]
    assert not failed, "\n".join(str(each) for each in failed)
    assert sum(each["result"] == "passed" for each in results) >= len(SAMPLE) // 2
