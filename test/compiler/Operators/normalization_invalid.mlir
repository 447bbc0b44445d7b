// RUN: lt-opt --lt-infer-shapes -split-input-file -verify-diagnostics %s

func.func @softmax_axis(%x: tensor<2x3xf32>) -> !graph.any {
  // expected-error @+1 {{axis 2 is not a dimension of a tensor of rank 2}}
  %r = graph.node "Softmax" version 13 (%x) -> ["r"] with {axis = 2 : i64} : (tensor<2x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @softmax_of_integers(%x: tensor<2x3xi32>) -> !graph.any {
  // expected-error @+1 {{input 'input' has elements of type 'i32', expected f16, bf16, f32 or f64}}
  %r = graph.node "Softmax" version 13 (%x) -> ["r"] : (tensor<2x3xi32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @layer_scale(%x: tensor<2x8xf32>, %s: tensor<7xf32>) -> !graph.any {
  // expected-error @+1 {{the size of input 'Scale' in dimension 0 and the size that it broadcasts to differ: 7 and 8}}
  %r = graph.node "LayerNormalization" version 17 (%x, %s) -> ["y"] : (tensor<2x8xf32>, tensor<7xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @stash_type(%x: tensor<2x8xf32>, %s: tensor<8xf32>) -> !graph.any {
  // expected-error @+1 {{attribute 'stash_type' is 7, expected the number of a floating-point type}}
  %r = graph.node "LayerNormalization" version 17 (%x, %s) -> ["y"] with {stash_type = 7 : i64} : (tensor<2x8xf32>, tensor<8xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @batch_channels(%x: tensor<2x3x4xf32>, %s: tensor<3xf32>, %m: tensor<4xf32>) -> !graph.any {
  // expected-error @+1 {{dimension 0 of input 'input_mean' and the channels of input 'X' differ: 4 and 3}}
  %r = graph.node "BatchNormalization" version 15 (%x, %s, %s, %m, %s) -> ["y"]
      : (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @batch_missing(%x: tensor<2x3x4xf32>, %s: tensor<3xf32>) -> !graph.any {
  // expected-error @+1 {{input 4 is missing}}
  %r = graph.node "BatchNormalization" version 15 (%x, %s, %s, %s) -> ["y"]
      : (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @batch_outputs(%x: tensor<2x3x4xf32>, %s: tensor<3xf32>) -> (!graph.any, !graph.any) {
  // expected-error @+1 {{output 1 exists in training mode only}}
  %r:2 = graph.node "BatchNormalization" version 15 (%x, %s, %s, %s, %s) -> ["y", "m"]
      : (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (!graph.any, !graph.any)
  return %r#0, %r#1 : !graph.any, !graph.any
}

// -----

func.func @groups(%x: tensor<2x5x4xf32>, %s: tensor<5xf32>) -> !graph.any {
  // expected-error @+1 {{the remainder of the channels by 'num_groups' and 0 differ: 1 and 0}}
  %r = graph.node "GroupNormalization" version 21 (%x, %s, %s) -> ["y"] with {num_groups = 2 : i64}
      : (tensor<2x5x4xf32>, tensor<5xf32>, tensor<5xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @no_groups(%x: tensor<2x5x4xf32>, %s: tensor<5xf32>) -> !graph.any {
  // expected-error @+1 {{attribute 'num_groups' is 0, expected at least 1}}
  %r = graph.node "GroupNormalization" version 21 (%x, %s, %s) -> ["y"]
      : (tensor<2x5x4xf32>, tensor<5xf32>, tensor<5xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @norm(%x: tensor<2x5xf32>) -> !graph.any {
  // expected-error @+1 {{attribute 'p' is 3, expected 1 or 2}}
  %r = graph.node "LpNormalization" version 1 (%x) -> ["y"] with {p = 3 : i64} : (tensor<2x5xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @response(%x: tensor<2x5x4xf32>) -> !graph.any {
  // expected-error @+1 {{attribute 'size' is 0, expected at least 1}}
  %r = graph.node "LRN" version 13 (%x) -> ["y"] : (tensor<2x5x4xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @mean_variance(%x: tensor<2x5xf32>) -> !graph.any {
  // expected-error @+1 {{axis 2 is not a dimension of a tensor of rank 2}}
  %r = graph.node "MeanVarianceNormalization" version 13 (%x) -> ["y"] : (tensor<2x5xf32>) -> !graph.any
  return %r : !graph.any
}
