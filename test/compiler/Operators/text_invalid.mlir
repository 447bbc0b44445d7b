// RUN: lt-opt --lt-infer-shapes --split-input-file --verify-diagnostics %s

func.func @number(%x: tensor<2x!graph.string>) -> !graph.any {
  // expected-error @below {{input 0 is a tensor of strings, the operator is for numbers}}
  %y = graph.node "Relu" version 14 (%x) -> ["y"] : (tensor<2x!graph.string>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @no_text(%x: tensor<2xf32>, %s: tensor<2x!graph.string>) -> !graph.any {
  // expected-error @below {{input 0 (X) has elements of 'f32', expected strings}}
  %y = graph.node "StringConcat" version 20 (%x, %s) -> ["y"]
      : (tensor<2xf32>, tensor<2x!graph.string>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @pattern(%x: tensor<2x!graph.string>) -> !graph.any {
  // expected-error @below {{attribute 'pattern', '(a': position 2: '(' without ')'}}
  %y = graph.node "RegexFullMatch" version 20 (%x) -> ["y"] with {pattern = "(a"}
      : (tensor<2x!graph.string>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @change(%x: tensor<2x!graph.string>) -> !graph.any {
  // expected-error @below {{attribute 'case_change_action' is 'TITLE', expected 'NONE', 'LOWER' or 'UPPER'}}
  %y = graph.node "StringNormalizer" version 10 (%x) -> ["y"] with {case_change_action = "TITLE"}
      : (tensor<2x!graph.string>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @labels(%x: tensor<2x!graph.string>) -> !graph.any {
  // expected-error @below {{the keys are 'i64', the input holds '!graph.string'}}
  %y = graph.node "LabelEncoder" domain "ai.onnx.ml" version 4 (%x) -> ["y"]
      with {keys_int64s = array<i64: 1>, values_int64s = array<i64: 2>}
      : (tensor<2x!graph.string>) -> !graph.any
  return %y : !graph.any
}
