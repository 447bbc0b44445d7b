// RUN: lt-opt --lt-infer-shapes -split-input-file -verify-diagnostics %s

func.func @axis_out_of_range(%x: tensor<2x3xf32>) -> !graph.any {
  // expected-error @+1 {{axis 2 is not a dimension of a tensor of rank 2}}
  %r = graph.node "ReduceSum" version 11 (%x) -> ["r"] with {axes = array<i64: 2>} : (tensor<2x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @axis_twice(%x: tensor<2x3xf32>) -> !graph.any {
  // expected-error @+1 {{axis 1 is given twice}}
  %r = graph.node "ReduceSum" version 11 (%x) -> ["r"] with {axes = array<i64: 1, -1>} : (tensor<2x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @sum_of_bools(%x: tensor<2x3xi1>) -> !graph.any {
  // expected-error @+1 {{input 'data' has elements of type 'i1', expected numbers}}
  %r = graph.node "ReduceSum" version 13 (%x) -> ["r"] : (tensor<2x3xi1>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @axes_are_a_matrix(%x: tensor<2x3xf32>, %axes: tensor<1x1xi64>) -> !graph.any {
  // expected-error @+1 {{input 'axes' has 2 dimensions, expected 1}}
  %r = graph.node "ReduceSum" version 13 (%x, %axes) -> ["r"] : (tensor<2x3xf32>, tensor<1x1xi64>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @too_many_axes(%x: tensor<3xf32>, %axes: tensor<2xi64>) -> !graph.any {
  // expected-error @+1 {{there are 2 axes for 1 dimensions}}
  %r = graph.node "ReduceSum" version 13 (%x, %axes) -> ["r"] with {keepdims = 0 : i64} : (tensor<3xf32>, tensor<2xi64>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @nothing_to_search(%x: tensor<3x0xf32>) -> !graph.any {
  // expected-error @+1 {{axis 1 of input 'data' is empty}}
  %r = graph.node "ArgMax" version 13 (%x) -> ["r"] with {axis = 1 : i64} : (tensor<3x0xf32>) -> !graph.any
  return %r : !graph.any
}
