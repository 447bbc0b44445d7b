"""What operators tell about their machine code."""

from __future__ import annotations

import re

import numpy as np
import pytest

import longtail as lt
from longtail import f32, i64


@lt.op
def many(x: f32["N C"], i: i64["K"]):
    return x + 1, x.T * 2, x[:, ::-1] - 1, x[i], x[:, i], x.sum(axis=1)


def accesses_of(operator, *shapes, **named):
    """(array, kind, class) of all accesses."""
    return {
        (each.array, each.kind, each.access_class)
        for group in operator.explain(*shapes, **named).groups
        for each in group.accesses
    }


def test_classes_of_accesses():
    found = accesses_of(many, (40, 64), (7,))
    assert ("x", "read", "contiguous") in found
    assert ("x", "read", "strided") in found
    assert ("x", "read", "reversed") in found
    assert ("x", "read", "row gather") in found
    assert ("x", "read", "element gather") in found
    assert ("i", "read", "uniform") in found
    assert {(f"result {k}", "write", "contiguous") for k in range(5)} <= found


def test_bytes_and_reasons():
    explained = many.explain((40, 64), (7,))
    reads = {e.access_class: e for g in explained.groups for e in g.accesses if e.kind == "read"}
    assert reads["contiguous"].bytes == 40 * 64 * 4
    assert reads["element gather"].bytes == 40 * 7 * 4
    assert reads["element gather"].guards == 1  # the index is tested
    assert "64 elements apart" in reads["strided"].note
    assert "whole vectors" in reads["element gather"].note
    assert reads["row gather"].note == ""
    assert (
        reads["contiguous"].source
        == "return x + 1, x.T * 2, x[:, ::-1] - 1, x[i], x[:, i], x.sum(axis=1)"
    )


def test_guards_of_borders():
    @lt.op
    def padded(x: f32["N C"]):
        return lt.pad(x, ((0, 0), (1, 1))) * 2

    (group,) = padded.explain((8, 100)).groups
    read = next(each for each in group.accesses if each.kind == "read")
    assert (read.guards, read.instructions) == (1, "masked vector load")
    assert "borders" in read.note


def test_products_and_sequences():
    @lt.op
    def mixed(a: f32["M K"], b: f32["K N"], s: f32["L"]):
        out = lt.zeros((s.shape[0],), f32)
        for k in range(s.shape[0]):
            out[k] = s[k]
            if k > 0:
                out[k] += out[k - 1]
        return a @ b, out

    explained = mixed.explain((8, 16), (16, 32), (9,))
    classes = {group.group_class: group for group in explained.groups}
    product = {e.array: e.access_class for e in classes["contraction"].accesses}
    assert product["a"] == "uniform" and product["b"] == "contiguous"
    assert "sequential code" in classes["grid"].notes()[0]
    assert classes["contraction"].operations == 2 * 8 * 16 * 32


def test_text_and_html():
    explained = many.explain(x=(8, 16))
    text = str(explained)
    assert text.startswith("many(x: (8, 16), i)\n\nloop nest 1: ")
    assert re.search(r"test_explaining.py:\d+  read +x +contiguous +vector load", text)
    assert "  ! line" in text
    html = explained._repr_html_()
    assert html.count("<table>") == len(explained.groups) and "&gt;" not in html[:10]
    assert "many" in many._repr_html_() and "<table>" in many._repr_html_()
    assert "&lt;" not in repr(many)


def test_html_escapes_source_and_waits_for_constants():
    @lt.op
    def clipped(x: f32["N"], *, low: lt.const):
        return lt.where(x < low, 0, x)

    html = clipped._repr_html_()
    assert "x &lt; low" in html and "<table>" not in html


def test_arguments_of_explain():
    x = np.zeros((3, 5), np.float32)
    assert str(many.explain(x, (2,))) == str(many.explain((3, 5), i=(2,)))
    with pytest.raises(
        lt.InputError, match="argument 'x' is 'big', expected an array or its shape"
    ):
        many.explain("big")
    with pytest.raises(lt.InputError, match="operator 'many'"):
        many.explain((3, 5), (2,), (1,))


def test_stages_and_assembly():
    assert "compute.map" in many.ir()
    assert "compute.fused" in many.ir("fuse")
    assert ".text" in many.asm()
    with pytest.raises(lt.Error, match="there is no stage 'nothing': expand, compose"):
        many.ir("nothing")


def test_bench():
    x, i = np.zeros((3, 5), np.float32), np.zeros(2, np.int64)
    timing = many.bench(x, i, seconds=0.01, python=True)
    assert 0 < timing.fastest <= timing.median < timing.python * 1000
    assert timing.bytes > x.nbytes + i.nbytes
    assert re.match(r"many: [\d.]+ (ns|µs|ms|s) \(fastest ", str(timing))
    assert "GB/s" in timing._repr_html_()
