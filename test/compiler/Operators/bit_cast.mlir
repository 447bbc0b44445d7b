// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @bits
// CHECK: arith.bitcast %{{.*}} : f32 to i32
// CHECK: return {{.*}} : tensor<4xi32
func.func @bits(%x: tensor<4xf32>) -> !graph.any {
  %y = graph.node "BitCast" version 26 (%x) -> ["y"] with {to = 6 : i64} : (tensor<4xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

// A bool is a byte that is 0 or 1.
// CHECK-LABEL: func.func @bool
// CHECK: arith.extui %{{.*}} : i1 to i8
func.func @bool(%x: tensor<4xi1>) -> !graph.any {
  %y = graph.node "BitCast" version 26 (%x) -> ["y"] with {to = 2 : i64} : (tensor<4xi1>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @width(%x: tensor<4xf32>) -> !graph.any {
  // expected-error @below {{elements have 32 bits, those of type 'i64' have 64}}
  %y = graph.node "BitCast" version 26 (%x) -> ["y"] with {to = 7 : i64} : (tensor<4xf32>) -> !graph.any
  return %y : !graph.any
}
