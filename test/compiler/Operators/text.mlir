// RUN: lt-opt --lt-infer-shapes --lt-expand --canonicalize %s | FileCheck %s

// Movement acts on handles.
// CHECK-LABEL: func.func @transpose
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x!graph.string>)
// CHECK: access.read %[[X]] at <(d0, d1) -> (d1, d0)> : tensor<2x3x!graph.string> -> tensor<3x2x!graph.string>
func.func @transpose(%x: tensor<2x3x!graph.string>) -> !graph.any {
  %y = graph.node "Transpose" version 13 (%x) -> ["y"] : (tensor<2x3x!graph.string>) -> !graph.any
  return %y : !graph.any
}

// CHECK-LABEL: func.func @equal
// CHECK: %[[WORD:.*]] = graph.constant dense<"word"> : tensor<!graph.string>
// CHECK: compute.grid over #{{.*}} : tensor<4xi1>
// CHECK: %[[A:.*]] = access.load {{.*}} : tensor<4x!graph.string> -> i64
// CHECK: %[[B:.*]] = access.load {{.*}} : tensor<4x!graph.string> -> i64
// CHECK: compute.text equal(%[[A]], %[[B]])
func.func @equal(%x: tensor<4x!graph.string>) -> !graph.any {
  %c = graph.constant dense<"word"> : tensor<!graph.string>
  %y = graph.node "Equal" version 19 (%x, %c) -> ["y"]
      : (tensor<4x!graph.string>, tensor<!graph.string>) -> !graph.any
  return %y : !graph.any
}

// CHECK-LABEL: func.func @format
// CHECK: %[[V:.*]] = access.load {{.*}} : tensor<4xui16> -> i16
// CHECK: %[[W:.*]] = arith.extui %[[V]] : i16 to i64
// CHECK: compute.text from_int(%[[W]], %{{.*}})
func.func @format(%x: tensor<4xui16>) -> !graph.any {
  %y = graph.node "Cast" version 19 (%x) -> ["y"] with {to = 8 : i64}
      : (tensor<4xui16>) -> !graph.any
  return %y : !graph.any
}

// A bool is one of two constants: no string is made.
// CHECK-LABEL: func.func @bools
// CHECK: dense<["False", "True"]> : tensor<2x!graph.string>
// CHECK: compute.map
// CHECK-NOT: compute.text
// CHECK: return
func.func @bools(%x: tensor<4xi1>) -> !graph.any {
  %y = graph.node "Cast" version 19 (%x) -> ["y"] with {to = 8 : i64}
      : (tensor<4xi1>) -> !graph.any
  return %y : !graph.any
}
