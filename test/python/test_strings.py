"""Tensors of strings: in and out, moved, compared, cast, split, matched, looked up."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper
from onnx.reference import ReferenceEvaluator

import longtail as lt

S = T.STRING
# ASCII, letters of two to four bytes, an empty string, a NUL inside, and a long one.
WORDS = np.array(["a", "", "über", "語", "😀!", "a\0b", "x" * 5000, "Monday"], object)


def model(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple[int, list[Any] | None]],
    outputs: dict[str, tuple[int, list[Any] | None]],
    constants: dict[str, np.ndarray] | None = None,
) -> onnx.ModelProto:
    """A model; inputs and outputs are name -> (element type, shape)."""
    graph = helper.make_graph(
        nodes,
        "strings",
        [helper.make_tensor_value_info(name, *each) for name, each in inputs.items()],
        [helper.make_tensor_value_info(name, *each) for name, each in outputs.items()],
        [onnx.numpy_helper.from_array(each, name) for name, each in (constants or {}).items()],
    )
    opsets = [helper.make_operatorsetid("", 22), helper.make_operatorsetid("ai.onnx.ml", 4)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def unary(op: str, of: int = S, gives: int = S, shape: Any = ("n",), **attributes: Any) -> Any:
    """A model of one node with one input."""
    domain = attributes.pop("domain", "")
    node = helper.make_node(op, ["x"], ["y"], domain=domain, **attributes)
    return model([node], {"x": (of, list(shape))}, {"y": (gives, None)})


@pytest.fixture(params=[False, True], ids=["optimised", "naive"])
def naive(request: pytest.FixtureRequest) -> bool:
    return request.param


# ---- in and out --------------------------------------------------------------------------------


def test_strings_go_through(naive: bool) -> None:
    run = lt.compile(unary("Identity"), naive=naive)
    result = run(WORDS)
    assert result.dtype == object and result.tolist() == WORDS.tolist()
    assert run(np.array(["ab", "c"])).tolist() == ["ab", "c"]  # NumPy's own text
    assert run(["ab", "c"]).tolist() == ["ab", "c"]
    assert run(np.zeros(0, object)).shape == (0,)
    assert run.inputs[0].dtype == "object"


def test_string_dtype_and_scalars() -> None:
    run = lt.compile(unary("Identity", shape=()))
    assert run(np.array("one")).tolist() == "one"
    if hasattr(np.dtypes, "StringDType"):
        array = np.array("zwei", np.dtypes.StringDType())
        assert run(array).tolist() == "zwei"


def test_bytes_that_are_no_utf8_come_back() -> None:
    run = lt.compile(unary("Identity"))
    result = run(np.array([b"\xff\xc3", "é".encode()], object))
    assert result.tolist() == ["\udcff\udcc3", "é"]
    assert run(result).tolist() == result.tolist()


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        ([1, 2], lt.DTypeError, "input 'x'"),
        (np.array(["a", None], object), lt.DTypeError, "string 1 of input 'x' is a .*NoneType"),
        (np.array(["\ud800"], object), lt.InputError, "half of a surrogate pair"),
    ],
)
def test_what_is_no_string_is_refused(value: Any, error: type[Exception], text: str) -> None:
    run = lt.compile(unary("Identity"))
    with pytest.raises(error, match=text):
        run(value)
    assert run(["fine"]).tolist() == ["fine"]


def test_outputs_are_written_to_given_arrays() -> None:
    run = lt.compile(unary("Identity", shape=(2,)))
    out = np.array(["old", "older"], object)
    run(["a", "b"], out=out)
    assert out.tolist() == ["a", "b"]
    bound = run.bind(inputs := np.array(["c", "d"], object))
    bound.run()
    assert bound.outputs.tolist() == ["c", "d"]
    inputs[:] = ["longer than before", ""]
    bound.run()
    assert bound.outputs.tolist() == ["longer than before", ""]


def test_saved_and_loaded(tmp_path: Any) -> None:
    node = helper.make_node("StringConcat", ["x", "c"], ["y"])
    built = model([node], {"x": (S, ["n"])}, {"y": (S, None)}, {"c": np.array("-ü", object)})
    lt.compile(built).save(tmp_path / "m.lt")
    assert lt.load(tmp_path / "m.lt")(["a", ""]).tolist() == ["a-ü", "-ü"]


def test_runs_repeat_with_other_sizes() -> None:
    node = helper.make_node("StringConcat", ["x", "x"], ["y"])
    run = lt.compile(model([node], {"x": (S, ["n"])}, {"y": (S, None)}), threads=2)
    for count in (3, 4000, 0, 7):
        given = np.array([str(i) * (i % 50) for i in range(count)], object)
        assert run(given).tolist() == [each + each for each in given]


# ---- movement ----------------------------------------------------------------------------------

GRID = np.array([["a", "bb", ""], ["ü", "語", "f"]], object)


@pytest.mark.parametrize(
    ("op", "more", "attributes"),
    [
        ("Transpose", {}, {"perm": [1, 0]}),
        ("Reshape", {"s": np.array([3, 2])}, {}),
        ("Flatten", {}, {"axis": 0}),
        ("Unsqueeze", {"s": np.array([0])}, {}),
        ("Slice", {"b": np.array([1]), "e": np.array([9]), "a": np.array([1])}, {}),
        ("Gather", {"i": np.array([2, 0, 0])}, {"axis": 1}),
        ("GatherElements", {"i": np.array([[2, 0], [1, 1]])}, {"axis": 1}),
        ("GatherND", {"i": np.array([[1, 2], [0, 0]])}, {}),
        ("Concat", {"c": np.array([["p", "q", "r"]], object)}, {"axis": 0}),
        ("Expand", {"s": np.array([2, 2, 3])}, {}),
        ("Tile", {"r": np.array([2, 3])}, {}),
        ("Compress", {"c": np.array([True, False, True])}, {"axis": 1}),
        ("ScatterElements", {"i": np.array([[1]]), "u": np.array([["new"]], object)}, {}),
        ("ScatterND", {"i": np.array([[1]]), "u": np.array([["x", "", "z"]], object)}, {}),
    ],
)
def test_movement(op: str, more: dict[str, np.ndarray], attributes: dict, naive: bool) -> None:
    node = helper.make_node(op, ["x", *more], ["y"], **attributes)
    built = model([node], {"x": (S, ["m", "n"])}, {"y": (S, None)}, more)
    expected = ReferenceEvaluator(built).run(None, {"x": GRID})[0]
    result = lt.compile(built, naive=naive)(GRID)
    assert result.tolist() == expected.tolist()


def test_split_where_pad_and_shape() -> None:
    nodes = [
        helper.make_node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2),
        helper.make_node("Where", ["w", "x", "other"], ["c"]),
        helper.make_node("Pad", ["x", "pads"], ["d"]),
        helper.make_node("Shape", ["x"], ["e"]),
    ]
    constants = {"other": np.array("?", object), "pads": np.array([0, 1, 1, 0])}
    inputs = {"x": (S, ["m", 4]), "w": (T.BOOL, ["m", 4])}
    outputs = dict.fromkeys("abcd", (S, None)) | {"e": (T.INT64, None)}
    x = np.array([["a", "b", "c", ""]], object)
    run = lt.compile(model(nodes, inputs, outputs, constants))
    a, b, c, d, e = run(x, np.array([[True, False, False, True]]))
    assert (a.tolist(), b.tolist()) == ([["a", "b"]], [["c", ""]])
    assert c.tolist() == [["a", "?", "?", ""]]
    assert d.tolist() == [["", "a", "b", "c", ""], [""] * 5]
    assert e.tolist() == [1, 4]


def test_branches_and_loops_pass_strings() -> None:
    text = helper.make_tensor_value_info
    then = helper.make_graph(
        [helper.make_node("StringConcat", ["x", "x"], ["t"])], "then", [], [text("t", S, None)]
    )
    other = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["o"])], "else", [], [text("o", S, None)]
    )
    body = helper.make_graph(
        [
            helper.make_node("StringConcat", ["s", "suffix"], ["next"]),
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Identity", ["next"], ["each"]),
        ],
        "body",
        [text("i", T.INT64, []), text("go", T.BOOL, []), text("s", S, ["n"])],
        [text("on", T.BOOL, []), text("next", S, ["n"]), text("each", S, ["n"])],
    )
    nodes = [
        helper.make_node("If", ["flag"], ["chosen"], then_branch=then, else_branch=other),
        helper.make_node("Loop", ["trips", "", "chosen"], ["last", "all"], body=body),
    ]
    run = lt.compile(
        model(
            nodes,
            {"x": (S, ["n"]), "flag": (T.BOOL, []), "trips": (T.INT64, [])},
            {"last": (S, None), "all": (S, None)},
            {"suffix": np.array("+", object)},
        )
    )
    last, every = run(np.array(["a", ""], object), np.array(True), np.array(3))
    assert last.tolist() == ["aa+++", "+++"]
    assert every.tolist() == [["aa+", "+"], ["aa++", "++"], ["aa+++", "+++"]]
    last, every = run(np.array(["a"], object), np.array(False), np.array(40))
    assert last.tolist() == ["a" + "+" * 40] and every.shape == (40, 1)


def test_unique_of_strings() -> None:
    node = helper.make_node("Unique", ["x"], ["y", "first", "inverse", "counts"])
    outputs = {"y": (S, None)} | dict.fromkeys(("first", "inverse", "counts"), (T.INT64, None))
    x = np.array(["b", "a", "b", "", "語", "a", "b"], object)
    results = lt.compile(model([node], {"x": (S, ["n"])}, outputs))(x)
    expected = np.unique(x.astype(str), return_index=True, return_inverse=True, return_counts=True)
    assert [each.tolist() for each in results] == [each.tolist() for each in expected]


# ---- what looks at bytes -----------------------------------------------------------------------


def test_equal_compares_contents(naive: bool) -> None:
    nodes = [
        helper.make_node("StringConcat", ["x", "empty"], ["copy"]),
        helper.make_node("Equal", ["x", "copy"], ["same"]),
        helper.make_node("Equal", ["x", "word"], ["is_word"]),
    ]
    constants = {"empty": np.array("", object), "word": np.array("Monday", object)}
    outputs = {"same": (T.BOOL, None), "is_word": (T.BOOL, None)}
    run = lt.compile(model(nodes, {"x": (S, ["n"])}, outputs, constants), naive=naive)
    same, is_word = run(WORDS)
    assert same.all() and is_word.tolist() == [word == "Monday" for word in WORDS]


FLOATS = [0.0, -0.0, 1, 0.1, 1e-5, 1e-4, 123456.79, 1e6, 1e15, 1e16, np.inf, -np.inf, np.nan]
NUMBERS = {
    T.FLOAT: np.array([*FLOATS, 3.4e38, 1e-45, 16777217, -2.5], np.float32),
    T.DOUBLE: np.array([*FLOATS, 1.7976931348623157e308, 5e-324, 1 / 3, 9007199254740993.0]),
    T.FLOAT16: np.array([0.1, 1e-4, 65504, 6e-8, 1, 999, 1000, np.inf], np.float16),
    T.INT8: np.array([-128, 0, 127], np.int8),
    T.INT64: np.array([-(2**63), 2**63 - 1, 7], np.int64),
    T.UINT16: np.array([0, 65535], np.uint16),
    T.UINT64: np.array([0, 2**64 - 1], np.uint64),
    T.BOOL: np.array([True, False]),
}


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_are_written_as_numpy_writes_them_and_read_again(number: int) -> None:
    values = NUMBERS[number]
    texts = lt.compile(unary("Cast", number, S, to=S))(values)
    assert texts.tolist() == values.astype(np.str_).tolist()
    back = lt.compile(unary("Cast", S, number, to=number))(texts)
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)
    assert np.array_equal(np.signbit(back), np.signbit(values)) or values.dtype.kind != "f"


def test_floats_are_read_with_one_rounding() -> None:
    run = lt.compile(unary("Cast", S, T.DOUBLE, to=T.DOUBLE))
    texts = [" 1e8\t", "+.5", "5.", "1E-5", "INF", "-infinity", "2.4703282292062327e-324", "1e999"]
    texts += ["9007199254740993", "0." + "0" * 400 + "1e401", "1" + "0" * 900 + "e-900"]
    np.testing.assert_array_equal(run(texts), [float(text) for text in texts])
    assert np.isnan(run(["NaN"])).all()


@pytest.mark.parametrize(
    ("to", "text"),
    [
        (T.INT8, "128"),
        (T.INT64, "1.5"),
        (T.INT32, ""),
        (T.UINT8, "-1"),
        (T.FLOAT, "1,5"),
        (T.DOUBLE, "0x10"),
        (T.DOUBLE, "1e"),
        (T.BOOL, "maybe"),
    ],
)
def test_what_is_no_number_ends_the_run(to: int, text: str) -> None:
    run = lt.compile(unary("Cast", S, to, to=to))
    with pytest.raises(lt.Error, match="not a number"):
        run([text])
    assert run(["1"]).tolist() == [1]


@pytest.mark.parametrize(
    ("delimiter", "most"), [(None, None), ("", 2), (",", None), (", ", 1), ("語", 0)]
)
def test_split(delimiter: str | None, most: int | None, naive: bool) -> None:
    attributes = {} if delimiter is None else {"delimiter": delimiter}
    if most is not None:
        attributes["maxsplit"] = most
    node = helper.make_node("StringSplit", ["x"], ["y", "z"], **attributes)
    outputs = {"y": (S, None), "z": (T.INT64, None)}
    run = lt.compile(model([node], {"x": (S, ["m", "n"])}, outputs), naive=naive)
    x = np.array([["a, b,c", " a\u3000b \n", ""], ["語a語", ",", ", , x"]], object)
    parts = [
        [each.split(delimiter or None, -1 if most is None else most) for each in row] for row in x
    ]
    y, z = run(x)
    longest = max(len(each) for row in parts for each in row)
    assert z.tolist() == [[len(each) for each in row] for row in parts]
    assert y.tolist() == [[each + [""] * (longest - len(each)) for each in row] for row in parts]
    y, z = run(np.zeros((0, 3), object))
    assert y.shape == (0, 3, 0) and z.shape == (0, 3)


@pytest.mark.parametrize("change", ["NONE", "LOWER", "UPPER"])
@pytest.mark.parametrize("sensitive", [0, 1])
def test_normalizer(change: str, sensitive: int) -> None:
    stop = ["monday", "ÉTÉ"]
    run = lt.compile(
        unary(
            "StringNormalizer",
            case_change_action=change,
            is_case_sensitive=sensitive,
            stopwords=stop,
        )
    )
    x = ["Monday", "été", "Straße", "ÉTÉ", "monday", "Ǆ語😀", ""]
    stops = set(stop) if sensitive else {each.lower() for each in stop}
    kept = [each for each in x if (each if sensitive else each.lower()) not in stops]
    changed = {"NONE": str, "LOWER": str.lower, "UPPER": str.upper}[change]
    assert run(x).tolist() == [changed(each) for each in kept]
    assert run(["monday"]).tolist() == [""]
    assert run(np.zeros(0, object)).tolist() == [""]


PATTERNS = [
    r"a*b+c?",
    r"(?:ab|cd){2,3}",
    r"[^a-c\d]+",
    r"(\W|^)[\w.\-]{0,25}@(yahoo|gmail)\.com(\W|$)",
    r"www\.[\w.-]+\.\bcom\b",
    r".*\bfoo\b.*",
    r"\Bfoo",
    r"(?i)straSSe|[x-z]+",
    r".",
    r"(?s:.)*",
    r"[à-ü語]+",
    r"(?P<year>\d{4})-(\d\d)",
    r"x{0}y{2,}",
    r"",
    r"a|",
    r"[[:alpha:]_]+[[:^digit:]]",
    r"\x41\x{8a9e}\.\n",
]
CASES = ["", "a", "b", "aabbc", "abcd", "ababab", "cd", "xyz", "zz9", "me@gmail.com", "www.a.com"]
CASES += [
    "www.a.comb",
    "a foo b",
    "foo",
    "foobar",
    " foo",
    "STRASSE",
    "XY",
    "語",
    "é",
    "éü語",
    "\n",
]
CASES += ["2024-05", "yyy", "yy", "y", "abc1", "ab_c", "A語.\n", "😀", " me@yahoo.com!", "a\nb"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns(pattern: str) -> None:
    run = lt.compile(unary("RegexFullMatch", S, T.BOOL, pattern=pattern))
    python = re.sub(r"\[:alpha:\]", "a-zA-Z", pattern).replace("[[:^digit:]]", "[^0-9]")
    python = re.sub(r"\\x\{(\w+)\}", lambda m: chr(int(m[1], 16)), python)
    if "\\W" in pattern or "\\w" in pattern or "\\b" in pattern or "\\d" in pattern:
        python = "(?a)" + python  # RE2's classes are those of ASCII
    expected = [re.fullmatch(python, each) is not None for each in CASES]
    assert run(CASES).tolist() == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "a)",
        "[a",
        "*a",
        "a**",
        r"(a)\1",
        "(?=a)",
        r"\p{Greek}",
        "a{2,1}",
        "a{1001}",
        "\\",
        r"(.*a){20}.{900}x",
        r"[a-b-a]{1000}{2}",
        r"(?i)ü",
        r"[z-a]",
    ],
)
def test_patterns_that_are_refused(pattern: str) -> None:
    with pytest.raises(lt.CompileError, match="attribute 'pattern'"):
        lt.compile(unary("RegexFullMatch", S, T.BOOL, pattern=pattern))


@pytest.mark.parametrize("mode", ["TF", "IDF", "TFIDF"])
@pytest.mark.parametrize("text", [False, True])
def test_tfidf(mode: str, text: bool, naive: bool) -> None:
    pool = [2, 3, 5, 4, 5, 6, 7, 8, 6, 7, 2, 3, 5]
    attributes: dict[str, Any] = {
        "mode": mode,
        "min_gram_length": 1,
        "max_gram_length": 3,
        "max_skip_count": 2,
        "ngram_counts": [0, 4, 10],
        "ngram_indexes": [0, 3, 1, 2, 5, 4, 6, 7],
        "weights": [float(i) + 0.5 for i in range(8)],
        "pool_strings" if text else "pool_int64s": [f"t{i}" for i in pool] if text else pool,
    }
    x = np.array([[1, 1, 3, 3, 3, 7, 2, 3, 5], [8, 6, 7, 5, 6, 8, 7, 8, 6]], np.int64)
    if text:
        x = np.vectorize(lambda i: f"t{i}", otypes=[object])(x)
    node = helper.make_node("TfIdfVectorizer", ["x"], ["y"], **attributes)
    built = model([node], {"x": (S if text else T.INT64, ["m", "n"])}, {"y": (T.FLOAT, None)})
    run = lt.compile(built, naive=naive)
    expected = ReferenceEvaluator(built).run(None, {"x": x})[0]
    np.testing.assert_array_equal(run(x), expected)
    assert not run(x[:, :0]).any()


def encoder(of: int, to: int, **attributes: Any) -> onnx.ModelProto:
    return unary("LabelEncoder", of, to, domain="ai.onnx.ml", **attributes)


def test_label_encoder() -> None:
    strings = ["b", "a", "語", ""]
    run = lt.compile(encoder(S, T.INT64, keys_strings=strings, values_int64s=[1, 2, 3, 4]))
    assert run(["a", "", "x", "語", "b"]).tolist() == [2, 4, -1, 3, 1]
    run = lt.compile(encoder(T.INT64, S, keys_int64s=[5, -3], values_strings=["five", "less"]))
    assert run(np.array([-3, 5, 0])).tolist() == ["less", "five", "_Unused"]
    run = lt.compile(
        encoder(
            T.FLOAT,
            T.FLOAT,
            keys_floats=[float("nan"), 2.5],
            values_floats=[9.0, 8.0],
            default_float=1.0,
        )
    )
    assert run(np.array([2.5, np.nan, 7], np.float32)).tolist() == [8, 9, 1]
    tensors = {
        "keys_tensor": onnx.numpy_helper.from_array(np.array(["x", "y"], object)),
        "values_tensor": onnx.numpy_helper.from_array(np.array([1, 2], np.int16)),
        "default_tensor": onnx.numpy_helper.from_array(np.array([42], np.int16)),
    }
    assert lt.compile(encoder(S, T.INT16, **tensors))(["y", "z"]).tolist() == [2, 42]


# ---- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("op", ["Relu", "Neg", "Not", "Softmax", "ReduceSum", "NonZero"])
def test_operators_for_numbers_say_so(op: str) -> None:
    with pytest.raises(lt.CompileError, match="strings"):
        lt.compile(unary(op))


def test_results_do_not_depend_on_threads() -> None:
    nodes = [
        helper.make_node("StringSplit", ["x"], ["parts", "counts"], delimiter=","),
        helper.make_node("StringConcat", ["parts", "parts"], ["double"]),
        helper.make_node("RegexFullMatch", ["double"], ["y"], pattern=r"(\d+){2,}"),
        helper.make_node("Unique", ["double"], ["z"]),
    ]
    outputs = {"double": (S, None), "y": (T.BOOL, None), "z": (S, None)}
    built = model(nodes, {"x": (S, ["n"])}, outputs)
    x = np.array([",".join(str(i * j % 97) for j in range(i % 7)) for i in range(3000)], object)
    results = [lt.compile(built, threads=threads)(x) for threads in (1, 4)]
    for one, four in zip(*results, strict=True):
        assert one.tolist() == four.tolist()


# ---- operators of ai.onnx.ml that need no strings ----------------------------------------------


@pytest.mark.parametrize("number", [T.FLOAT, T.DOUBLE, T.INT64, T.INT32])
def test_binarizer(number: int) -> None:
    run = lt.compile(unary("Binarizer", number, number, domain="ai.onnx.ml", threshold=1.5))
    values = np.array([1, 2, -3, 1.5, 1.75]).astype(helper.tensor_dtype_to_np_dtype(number))
    assert run(values).tolist() == (values > 1.5).astype(values.dtype).tolist()


@pytest.mark.parametrize("shape", [(5,), (2, 5), (2, 3, 5)])
def test_array_feature_extractor(shape: tuple[int, ...]) -> None:
    node = helper.make_node("ArrayFeatureExtractor", ["x", "i"], ["y"], domain="ai.onnx.ml")
    built = model([node], {"x": (S, list(shape)), "i": (T.INT64, ["k"])}, {"y": (S, None)})
    x = np.array([str(i) for i in range(np.prod(shape))], object).reshape(shape)
    i = np.array([4, 0, 0])
    run = lt.compile(built)
    assert run(x, i).tolist() == x[..., i].reshape(*(shape[:-1] or (1,)), 3).tolist()
    with pytest.raises(lt.Error, match="out of range"):
        run(x, np.array([5]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("aggregate", [0, 1, 2, 3])
def test_tree_ensemble(dtype: type, aggregate: int, naive: bool) -> None:
    tensor = onnx.numpy_helper.from_array
    node = helper.make_node(
        "TreeEnsemble",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        aggregate_function=aggregate,
        n_targets=2,
        tree_roots=[0, 3, 6],
        nodes_featureids=[0, 1, 2, 2, 0, 1, 0],
        nodes_modes=tensor(np.array([0, 6, 3, 4, 1, 5, 2], np.uint8)),
        nodes_splits=tensor(np.array([0.5, 0, -1, 2, 0, 1, 0], dtype)),
        nodes_truenodeids=[1, 0, 2, 4, 4, 6, 0],
        nodes_trueleafs=[0, 1, 1, 0, 1, 1, 1],
        nodes_falsenodeids=[2, 1, 3, 5, 5, 7, 1],
        nodes_falseleafs=[0, 1, 1, 0, 1, 1, 1],
        nodes_missing_value_tracks_true=[0, 1, 0, 0, 0, 0, 0],
        membership_values=tensor(np.array([1, 2, np.nan], dtype)),
        leaf_weights=tensor(np.array([1, -2, 3, 4.5, 5, 6, -7, 8], dtype)),
        leaf_targetids=[0, 1, 0, 0, 1, 1, 0, 1],
    )
    number = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    built = model([node], {"x": (number, ["n", 3])}, {"y": (number, None)})
    built.opset_import[1].version = 5
    x = np.array([[0, 1, 2], [1, 3, 0], [-1, np.nan, 5], [0.5, 0, 2], [9, 2, -1]], dtype)
    expected = ReferenceEvaluator(built).run(None, {"x": x})[0]
    # The reference leaves what no leaf contributes to at the limit of the type.
    expected = np.where(np.abs(expected) >= np.finfo(dtype).max, 0, expected)
    result = lt.compile(built, naive=naive)(x)
    np.testing.assert_allclose(result, expected, rtol=1e-3)


def test_tree_ensemble_that_never_ends() -> None:
    tensor = onnx.numpy_helper.from_array
    attributes = {
        "n_targets": 1,
        "tree_roots": [0],
        "nodes_featureids": [0, 0],
        "nodes_modes": tensor(np.array([0, 0], np.uint8)),
        "nodes_splits": tensor(np.array([0, 0], np.float32)),
        "nodes_truenodeids": [1, 0],
        "nodes_trueleafs": [0, 1],
        "nodes_falsenodeids": [0, 0],
        "nodes_falseleafs": [1, 0],
        "leaf_weights": tensor(np.array([1], np.float32)),
        "leaf_targetids": [0],
    }
    built = unary("TreeEnsemble", T.FLOAT, T.FLOAT, ("n", 1), domain="ai.onnx.ml", **attributes)
    built.opset_import[1].version = 5
    with pytest.raises(lt.CompileError, match="node 0 leads back to itself"):
        lt.compile(built)
