// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand --verify-diagnostics | FileCheck %s

// Two products; heads of the query share heads of key and value; keys behind a query are masked.
// CHECK-LABEL: func.func @grouped
// CHECK: compute.contract {{.*}}(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>{{.*}}(d0, d1, d2, d3, d4) -> (d0, d1 floordiv 2, d3, d4)>
// CHECK: arith.cmpi sle
// CHECK: arith.select
// CHECK: compute.reduce max
// CHECK: math.exp
// CHECK: compute.reduce add
// CHECK: compute.contract {{.*}}(d0, d1, d2, d3, d4) -> (d0, d1 floordiv 2, d4, d3)>
// CHECK: return {{.*}} : tensor<2x4x5x8xf32
func.func @grouped(%q: tensor<2x4x5x8xf32>, %k: tensor<2x2x6x8xf32>, %v: tensor<2x2x6x8xf32>) -> !graph.any {
  %y = graph.node "Attention" version 23 (%q, %k, %v) -> ["y"] with {is_causal = 1 : i64}
      : (tensor<2x4x5x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

// The cache comes before the keys; a shorter mask hides the keys after its end.
// CHECK-LABEL: func.func @cached
// CHECK: access.concat {{.*}} -> tensor<1x2x9x8xf32
// CHECK: compute.contract
// CHECK: compute.map {{.*}}(d2, d3), valid {{.*}} -> (d3) below {{.*}} -> (7)> fill false
// CHECK: return {{.*}} : tensor<1x3x16xf32{{.*}}, tensor<1x2x9x8xf32
func.func @cached(%q: tensor<1x3x16xf32>, %k: tensor<1x3x16xf32>, %mask: tensor<3x7xi1>, %past: tensor<1x2x6x8xf32>)
    -> (!graph.any, !graph.any) {
  %y, %key, %value = graph.node "Attention" version 24 (%q, %k, %k, %mask, %past, %past) -> ["y", "key", "value"]
      with {q_num_heads = 2 : i64, kv_num_heads = 2 : i64}
      : (tensor<1x3x16xf32>, tensor<1x3x16xf32>, tensor<1x3x16xf32>, tensor<3x7xi1>, tensor<1x2x6x8xf32>, tensor<1x2x6x8xf32>)
      -> (!graph.any, !graph.any, !graph.any)
  return %y, %key : !graph.any, !graph.any
}

// -----

func.func @heads(%q: tensor<2x4x5x8xf32>, %k: tensor<2x3x6x8xf32>) -> !graph.any {
  // expected-error @below {{the query has 4 heads, the key has 3: not a constant multiple}}
  %y = graph.node "Attention" version 23 (%q, %k, %k) -> ["y"]
      : (tensor<2x4x5x8xf32>, tensor<2x3x6x8xf32>, tensor<2x3x6x8xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @hidden(%q: tensor<2x5x10xf32>) -> !graph.any {
  // expected-error @below {{the last dimension of input 'Q' is 10, not a multiple of 4 heads}}
  %y = graph.node "Attention" version 23 (%q, %q, %q) -> ["y"] with {q_num_heads = 4 : i64, kv_num_heads = 4 : i64}
      : (tensor<2x5x10xf32>, tensor<2x5x10xf32>, tensor<2x5x10xf32>) -> !graph.any
  return %y : !graph.any
}
