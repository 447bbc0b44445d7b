// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand --verify-diagnostics | FileCheck %s

// Half of a head is turned, by angles looked up by position; the rest is joined to it.
// CHECK-LABEL: func.func @partial
// CHECK: compute.map {{.*}}(d0, d1, d2, d3) -> (d0, d2, d1 * 8 + (d3 + 2) mod 4)>
// CHECK: access.load %{{.*}} checked : tensor<50x2xf32>
// CHECK: access.concat
func.func @partial(%x: tensor<2x3x16xf32>, %cos: tensor<50x2xf32>, %sin: tensor<50x2xf32>, %ids: tensor<2x3xi64>) -> !graph.any {
  %y = graph.node "RotaryEmbedding" version 23 (%x, %cos, %sin, %ids) -> ["y"]
      with {num_heads = 2 : i64, rotary_embedding_dim = 4 : i64}
      : (tensor<2x3x16xf32>, tensor<50x2xf32>, tensor<50x2xf32>, tensor<2x3xi64>) -> !graph.any
  return %y : !graph.any
}

// -----

// CHECK-LABEL: func.func @interleaved
// CHECK: compute.map
// CHECK-SAME: (d0, d1, d2, d3) -> (d0, d2, d3 floordiv 2)>
// CHECK-NOT: access.load
// CHECK: return
func.func @interleaved(%x: tensor<2x4x3x8xf32>, %cos: tensor<2x3x4xf32>) -> !graph.any {
  %y = graph.node "RotaryEmbedding" version 23 (%x, %cos, %cos) -> ["y"] with {interleaved = 1 : i64}
      : (tensor<2x4x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @odd(%x: tensor<2x4x3x8xf32>, %cos: tensor<2x3x4xf32>) -> !graph.any {
  // expected-error @below {{attribute 'rotary_embedding_dim' is 3, expected an even number up to 8}}
  %y = graph.node "RotaryEmbedding" version 23 (%x, %cos, %cos) -> ["y"] with {rotary_embedding_dim = 3 : i64}
      : (tensor<2x4x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> !graph.any
  return %y : !graph.any
}
