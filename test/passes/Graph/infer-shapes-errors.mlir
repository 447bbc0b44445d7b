// Everything that cannot be compiled is reported at once; what only follows from it is not.
// RUN: lt-opt %s --split-input-file --verify-diagnostics --lt-infer-shapes

func.func @collects(%x: tensor<2x3xf32>) -> (!graph.any, !graph.any) {
  // expected-error @below {{cannot compile operator 'NoSuch' (domain 'my.domain', version 3) of node 'first' with inputs (f32[2, 3]): the operator is not supported}}
  %a = graph.node "NoSuch" domain "my.domain" version 3 named "first" (%x) -> ["a"] : (tensor<2x3xf32>) -> !graph.any
  %b = graph.node "Relu" version 14 named "follows" (%a) -> ["b"] : (!graph.any) -> !graph.any
  // expected-error @below {{operator 'Concat' (domain 'ai.onnx', version 13) with inputs (f32[2, 3]): axis 5 is not a dimension of a tensor of rank 2}}
  %c = graph.node "Concat" version 13 (%x) -> ["c"] with {axis = 5 : i64} : (tensor<2x3xf32>) -> !graph.any
  // expected-error @below {{the operator is not supported}}
  %d = graph.node "NoSuchEither" version 13 (%a) -> ["d"] : (!graph.any) -> !graph.any
  return %b, %d : !graph.any, !graph.any
}

// -----

// expected-error @below {{input 'x' has type 'tensor<*xf32>', only tensors of numbers or strings with a known rank are supported}}
func.func @unranked(%x: tensor<*xf32> {graph.name = "x"}) -> tensor<*xf32> {
  return %x : tensor<*xf32>
}

// -----

func.func @types(%x: tensor<2xf32>, %y: tensor<2xi32>, %z: tensor<3xf32>) -> !graph.any {
  // expected-error @below {{input 1 has elements 'i32', input 0 has 'f32'}}
  %a = graph.node "Add" version 14 (%x, %y) -> ["a"] : (tensor<2xf32>, tensor<2xi32>) -> !graph.any
  // expected-error @below {{sizes 2 and 3 do not broadcast}}
  %b = graph.node "Add" version 14 (%x, %z) -> ["b"] : (tensor<2xf32>, tensor<3xf32>) -> !graph.any
  // expected-error @below {{elements are 'i32', expected f16, bf16, f32 or f64}}
  %c = graph.node "Exp" version 13 (%y) -> ["c"] : (tensor<2xi32>) -> !graph.any
  // expected-error @below {{element type 14, which is not supported}}
  %e = graph.node "Cast" version 13 (%x) -> ["e"] with {to = 14 : i64} : (tensor<2xf32>) -> !graph.any
  return %a : !graph.any
}

// -----

func.func @shapes(%x: tensor<2x3xf32>, %n: tensor<?xi64>) -> !graph.any {
  %five = graph.constant dense<5> : tensor<1xi64>
  // expected-error @below {{the input has 6 elements, the shape has 5}}
  %a = graph.node "Reshape" version 13 (%x, %five) -> ["a"] : (tensor<2x3xf32>, tensor<1xi64>) -> !graph.any
  // expected-error @below {{dimension 0 has size 2 and cannot be squeezed}}
  %b = graph.node "Squeeze" version 11 (%x) -> ["b"] with {axes = array<i64: 0>} : (tensor<2x3xf32>) -> !graph.any
  // expected-error @below {{input 1 has elements that are only known when the model runs, and so is their number}}
  %c = graph.node "Reshape" version 13 (%x, %n) -> ["c"] : (tensor<2x3xf32>, tensor<?xi64>) -> !graph.any
  // expected-error @below {{attribute 'perm' is not a permutation of 2 dimensions}}
  %d = graph.node "Transpose" version 13 (%x) -> ["d"] with {perm = array<i64: 0, 0>} : (tensor<2x3xf32>) -> !graph.any
  // expected-error @below {{index 5 is outside dimension 0 of size 2}}
  %e = graph.node "Gather" version 13 (%x, %five) -> ["e"] : (tensor<2x3xf32>, tensor<1xi64>) -> !graph.any
  // expected-error @below {{axis 1 is given twice}}
  %f = graph.node "Unsqueeze" version 11 (%x) -> ["f"] with {axes = array<i64: 1, -3>} : (tensor<2x3xf32>) -> !graph.any
  // expected-error @below {{dimension 0 of size 2 is padded by -2 and -1}}
  %g = graph.node "Pad" version 2 (%x) -> ["g"] with {pads = array<i64: -2, 0, -1, 0>} : (tensor<2x3xf32>) -> !graph.any
  // expected-error @below {{the sizes add up to 4, dimension 1 has 3}}
  %h:2 = graph.node "Split" version 11 (%x) -> ["h", "i"] with {axis = 1 : i64, split = array<i64: 2, 2>} : (tensor<2x3xf32>) -> (!graph.any, !graph.any)
  return %a : !graph.any
}

// -----

func.func @regions(%x: tensor<2xf32>) -> !graph.any {
  // expected-error @below {{the operator's subgraphs are not supported}}
  %z = graph.node "Mystery" domain "my.domain" version 13 (%x) -> ["z"] regions ["body"] [[]] : (tensor<2xf32>) -> !graph.any {
    graph.yield %x ["t"] : tensor<2xf32>
  }
  return %z : !graph.any
}

// -----

func.func @branch_condition(%c: tensor<2xi1>, %x: tensor<2xf32>) -> !graph.any {
  // expected-error @below {{the condition has 2 elements, expected one}}
  %z = graph.node "If" version 13 (%c) -> ["z"] regions ["then_branch", "else_branch"] [[], []] : (tensor<2xi1>) -> !graph.any {
    graph.yield %x ["t"] : tensor<2xf32>
  }, {
    graph.yield %x ["e"] : tensor<2xf32>
  }
  return %z : !graph.any
}

// -----

func.func @branch_ranks(%c: tensor<i1>, %x: tensor<2xf32>, %y: tensor<1x2xf32>) -> !graph.any {
  // expected-error @below {{output 0 is f32[2] in 'then_branch' and f32[1, 2] in 'else_branch'; element types and ranks of what leaves the graph must agree}}
  %z = graph.node "If" version 13 (%c) -> ["z"] regions ["then_branch", "else_branch"] [[], []] : (tensor<i1>) -> !graph.any {
    graph.yield %x ["t"] : tensor<2xf32>
  }, {
    graph.yield %y ["e"] : tensor<1x2xf32>
  }
  return %z : !graph.any
}

// -----

func.func @branch_body(%c: tensor<i1>, %x: tensor<2xf32>) -> !graph.any {
  %z = graph.node "If" version 13 (%c) -> ["z"] regions ["then_branch", "else_branch"] [[], []] : (tensor<i1>) -> !graph.any {
    // expected-error @below {{cannot compile operator 'NoSuch'}}
    %a = graph.node "NoSuch" version 13 (%x) -> ["a"] : (tensor<2xf32>) -> !graph.any
    graph.yield %a ["a"] : !graph.any
  }, {
    graph.yield %x ["e"] : tensor<2xf32>
  }
  return %z : !graph.any
}

// -----

func.func @loop_type(%x: tensor<2xf32>) -> !graph.any {
  %none = graph.none
  // expected-error @below {{carried value 0 begins as f32[2] and is i64[2] after a trip; element type and rank must stay}}
  %z = graph.node "Loop" version 13 (%none, %none, %x) -> ["z"] regions ["body"] [["i", "go", "u"]] : (none, none, tensor<2xf32>) -> !graph.any {
  ^bb0(%i: !graph.any, %go: !graph.any, %u: !graph.any):
    %a = graph.node "Cast" version 13 (%u) -> ["a"] with {to = 7 : i64} : (!graph.any) -> !graph.any
    graph.yield %go, %a ["go", "a"] : !graph.any, !graph.any
  }
  return %z : !graph.any
}

// -----

func.func @loop_inputs(%x: tensor<2xf32>) -> !graph.any {
  %none = graph.none
  // expected-error @below {{its graph has 2 inputs, expected 3: trip, condition and what the loop carries}}
  %z = graph.node "Loop" version 13 (%none, %none, %x) -> ["z"] regions ["body"] [["i", "go"]] : (none, none, tensor<2xf32>) -> !graph.any {
  ^bb0(%i: !graph.any, %go: !graph.any):
    graph.yield %go, %x ["go", "a"] : !graph.any, tensor<2xf32>
  }
  return %z : !graph.any
}

// -----

func.func @scan_lengths(%x: tensor<2xf32>, %y: tensor<3xf32>) -> !graph.any {
  // expected-error @below {{input 1 has 3 slices, the first scanned input 2}}
  %z = graph.node "Scan" version 11 (%x, %y) -> ["z"] with {num_scan_inputs = 2 : i64} regions ["body"] [["u", "v"]] : (tensor<2xf32>, tensor<3xf32>) -> !graph.any {
  ^bb0(%u: !graph.any, %v: !graph.any):
    graph.yield %u ["a"] : !graph.any
  }
  return %z : !graph.any
}

// -----

func.func @missing(%x: tensor<2x3xf32>) -> !graph.any {
  %none = graph.none
  // expected-error @below {{operator 'MatMul' (domain 'ai.onnx', version 13) of node 'm' with inputs (f32[2, 3], none): input 1 is missing}}
  %a = graph.node "MatMul" version 13 named "m" (%x, %none) -> ["a"] : (tensor<2x3xf32>, none) -> !graph.any
  // expected-error @below {{with inputs (): input 0 is missing}}
  %b = graph.node "Relu" version 13 () -> ["b"] : () -> !graph.any
  return %a : !graph.any
}
