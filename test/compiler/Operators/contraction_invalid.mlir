// RUN: lt-opt --lt-infer-shapes -split-input-file -verify-diagnostics %s

func.func @inner_sizes(%a: tensor<3x4xf32>, %b: tensor<5x6xf32>) -> !graph.any {
  // expected-error @+1 {{the columns of 'A' and the rows of 'B' differ: 4 and 5}}
  %r = graph.node "MatMul" version 13 (%a, %b) -> ["r"] : (tensor<3x4xf32>, tensor<5x6xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @scalar(%a: tensor<f32>, %b: tensor<5x6xf32>) -> !graph.any {
  // expected-error @+1 {{input 'A' is a scalar, expected a matrix}}
  %r = graph.node "MatMul" version 13 (%a, %b) -> ["r"] : (tensor<f32>, tensor<5x6xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @element_types(%a: tensor<3x4xf32>, %b: tensor<4x6xf16>) -> !graph.any {
  // expected-error @+1 {{inputs 'A' and 'B' have elements of types 'f32' and 'f16'}}
  %r = graph.node "MatMul" version 13 (%a, %b) -> ["r"] : (tensor<3x4xf32>, tensor<4x6xf16>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @batches(%a: tensor<2x3x4xf32>, %b: tensor<3x4x6xf32>) -> !graph.any {
  // expected-error @+1 {{sizes 2 and 3 do not broadcast}}
  %r = graph.node "MatMul" version 13 (%a, %b) -> ["r"] : (tensor<2x3x4xf32>, tensor<3x4x6xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @gemm_rank(%a: tensor<2x3x4xf32>, %b: tensor<4x6xf32>) -> !graph.any {
  // expected-error @+1 {{input 'A' has 3 dimensions, expected 2}}
  %r = graph.node "Gemm" version 13 (%a, %b) -> ["r"] : (tensor<2x3x4xf32>, tensor<4x6xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @gemm_bias(%a: tensor<3x4xf32>, %b: tensor<4x6xf32>, %c: tensor<4xf32>) -> !graph.any {
  // expected-error @+1 {{the size of input 'C' in dimension 0 and the size that it broadcasts to differ: 4 and 6}}
  %r = graph.node "Gemm" version 13 (%a, %b, %c) -> ["r"] : (tensor<3x4xf32>, tensor<4x6xf32>, tensor<4xf32>) -> !graph.any
  return %r : !graph.any
}
