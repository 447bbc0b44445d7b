// RUN: lt-opt %s --split-input-file --verify-diagnostics --lt-infer-shapes

func.func @internal(%x: tensor<4xf32>) -> !graph.any {
  // expected-error@+1 {{the operator is not supported}}
  %y = graph.node "NonZeroStarts" domain "longtail" version 1 (%x) -> ["y"] : (tensor<4xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @too_many(%x: tensor<4xf32>) -> !graph.any {
  // expected-error@+1 {{there are 2 inputs, expected at most 1}}
  %y = graph.node "NonZero" version 13 (%x, %x) -> ["y"] : (tensor<4xf32>, tensor<4xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @condition(%x: tensor<4xf32>, %c: tensor<4xi64>) -> !graph.any {
  // expected-error@+1 {{input 'condition' must be a list of bools}}
  %y = graph.node "Compress" version 11 (%x, %c) -> ["y"] : (tensor<4xf32>, tensor<4xi64>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @reduction(%x: tensor<4xf32>, %i: tensor<4xi64>) -> !graph.any {
  // expected-error@+1 {{attribute 'reduction' is 'avg', expected none, add, mul, min or max}}
  %y = graph.node "ScatterElements" version 18 (%x, %i, %x) -> ["y"] with {reduction = "avg"} : (tensor<4xf32>, tensor<4xi64>, tensor<4xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @indices(%x: tensor<4xf32>, %i: tensor<4xf32>) -> !graph.any {
  // expected-error@+1 {{indices are 'f32', expected i32 or i64}}
  %y = graph.node "ScatterElements" version 18 (%x, %i, %x) -> ["y"] : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @larger(%x: tensor<4x2xf32>, %i: tensor<1x3xi64>, %u: tensor<1x3xf32>) -> !graph.any {
  // expected-error@+1 {{indices are larger than the data in dimension 1: 3 and 2}}
  %y = graph.node "ScatterElements" version 18 (%x, %i, %u) -> ["y"] : (tensor<4x2xf32>, tensor<1x3xi64>, tensor<1x3xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @depth(%x: tensor<4x2xf32>, %i: tensor<1x3xi64>, %u: tensor<1xf32>) -> !graph.any {
  // expected-error@+1 {{the last dimension of the indices and the number of dimensions that the updates leave to them differ: 3 and 2}}
  %y = graph.node "ScatterND" version 18 (%x, %i, %u) -> ["y"] : (tensor<4x2xf32>, tensor<1x3xi64>, tensor<1xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @cache(%x: tensor<1x4x2xf32>, %u: tensor<1x5x2xf32>) -> !graph.any {
  // expected-error@+1 {{the update is longer than the cache in dimension 1: 5 and 4}}
  %y = graph.node "TensorScatter" version 24 (%x, %u) -> ["y"] : (tensor<1x4x2xf32>, tensor<1x5x2xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @batch_axis(%x: tensor<1x4xf32>, %u: tensor<1x4xf32>) -> !graph.any {
  // expected-error@+1 {{attribute 'axis' is the batch dimension, expected another one}}
  %y = graph.node "TensorScatter" version 24 (%x, %u) -> ["y"] with {axis = 0 : i64} : (tensor<1x4xf32>, tensor<1x4xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @k(%x: tensor<3x4xf32>) -> (!graph.any, !graph.any) {
  %k = graph.constant dense<-1> : tensor<1xi64>
  // expected-error@+1 {{input 'K' is -1, expected a number that is not negative}}
  %v, %i = graph.node "TopK" version 11 (%x, %k) -> ["v", "i"] : (tensor<3x4xf32>, tensor<1xi64>) -> (!graph.any, !graph.any)
  return %v, %i : !graph.any, !graph.any
}

// -----

func.func @two_k(%x: tensor<3x4xf32>, %k: tensor<2xi64>) -> (!graph.any, !graph.any) {
  // expected-error@+1 {{input 'K' holds 2 numbers, expected one}}
  %v, %i = graph.node "TopK" version 11 (%x, %k) -> ["v", "i"] : (tensor<3x4xf32>, tensor<2xi64>) -> (!graph.any, !graph.any)
  return %v, %i : !graph.any, !graph.any
}

// -----

func.func @axis(%x: tensor<3x4xf32>) -> !graph.any {
  // expected-error@+1 {{axis 2 is not a dimension of a tensor of rank 2}}
  %y = graph.node "Unique" version 11 (%x) -> ["y"] with {axis = 2 : i64} : (tensor<3x4xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @cumulative(%x: tensor<f32>, %a: tensor<i64>) -> !graph.any {
  // expected-error@+1 {{input 'x' has no dimensions, expected at least one}}
  %y = graph.node "CumSum" version 14 (%x, %a) -> ["y"] : (tensor<f32>, tensor<i64>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @boxes(%b: tensor<1x4x5xf32>, %s: tensor<1x1x4xf32>) -> !graph.any {
  // expected-error@+1 {{the size of a box and 4 differ: 5 and 4}}
  %y = graph.node "NonMaxSuppression" version 11 (%b, %s) -> ["y"] : (tensor<1x4x5xf32>, tensor<1x1x4xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @kernel(%x: tensor<1x1x3xf32>, %i: tensor<1x1x3xi64>) -> !graph.any {
  // expected-error@+1 {{attribute 'kernel_shape' is missing}}
  %y = graph.node "MaxUnpool" version 11 (%x, %i) -> ["y"] : (tensor<1x1x3xf32>, tensor<1x1x3xi64>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @channels(%x: tensor<1x11x20xf32>) -> !graph.any {
  %image = graph.constant dense<5> : tensor<2xi64>
  %block = graph.constant dense<[1, 2]> : tensor<2xi64>
  // expected-error@+1 {{dimension 1 of the input and the channels times the block differ: 11 and 10}}
  %y = graph.node "Col2Im" version 18 (%x, %image, %block) -> ["y"] : (tensor<1x11x20xf32>, tensor<2xi64>, tensor<2xi64>) -> !graph.any
  return %y : !graph.any
}
