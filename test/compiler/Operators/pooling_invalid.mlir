// RUN: lt-opt --lt-infer-shapes -split-input-file -verify-diagnostics %s

func.func @no_kernel(%x: tensor<1x4x6x6xf32>) -> !graph.any {
  // expected-error @+1 {{attribute 'kernel_shape' is missing}}
  %r = graph.node "MaxPool" version 12 (%x) -> ["r"] : (tensor<1x4x6x6xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @kernel(%x: tensor<1x4x6x6xf32>) -> !graph.any {
  // expected-error @+1 {{attribute 'kernel_shape' has 1 numbers, expected 2}}
  %r = graph.node "AveragePool" version 11 (%x) -> ["r"] with {kernel_shape = array<i64: 2>} : (tensor<1x4x6x6xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @rank(%x: tensor<4x6xf32>) -> !graph.any {
  // expected-error @+1 {{input 'X' has 2 dimensions, expected at least 3}}
  %r = graph.node "GlobalMaxPool" version 1 (%x) -> ["r"] : (tensor<4x6xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @norm(%x: tensor<1x4x6xf32>) -> !graph.any {
  // expected-error @+1 {{attribute 'p' is 0, expected at least 1}}
  %r = graph.node "LpPool" version 18 (%x) -> ["r"] with {kernel_shape = array<i64: 2>, p = 0 : i64} : (tensor<1x4x6xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @average_of_integers(%x: tensor<1x4x6xi8>) -> !graph.any {
  // expected-error @+1 {{input 'X' has elements of type 'i8', expected f16, bf16, f32 or f64}}
  %r = graph.node "AveragePool" version 11 (%x) -> ["r"] with {kernel_shape = array<i64: 2>} : (tensor<1x4x6xi8>) -> !graph.any
  return %r : !graph.any
}
