// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand | FileCheck %s

// Shape arithmetic leaves only what it decides: nothing of it is computed.
// CHECK-LABEL: func.func @reshape
// CHECK-SAME: (%[[X:.*]]: tensor<?x4x8xf32
// CHECK-NOT: compute.map
// CHECK-NOT: graph.
// CHECK: %[[Y:.*]] = access.read %[[X]] at <(d0, d1, d2) -> (d0, (d1 * 4 + d2) floordiv 8, (d1 * 4 + d2) mod 8)>
// CHECK-SAME: -> tensor<?x8x4xf32
// CHECK: return %[[Y]]
func.func @reshape(%x: tensor<?x4x8xf32>) -> !graph.any {
  %s = graph.node "Shape" version 15 (%x) -> ["s"] with {start = 0 : i64, end = 1 : i64} : (tensor<?x4x8xf32>) -> !graph.any
  %c = graph.constant dense<[8, 4]> : tensor<2xi64>
  %w = graph.node "Concat" version 13 (%s, %c) -> ["w"] with {axis = 0 : i64} : (!graph.any, tensor<2xi64>) -> !graph.any
  %r = graph.node "Reshape" version 13 (%x, %w) -> ["r"] : (tensor<?x4x8xf32>, !graph.any) -> !graph.any
  return %r : !graph.any
}

// -----

// Contents that are used become a constant, or a map that selects sizes by position.
// CHECK-DAG: #[[$S0:.*]] = affine_map<()[s0] -> (s0)>
// CHECK-DAG: #[[$FOUR:.*]] = affine_map<() -> (4)>
// CHECK-LABEL: func.func @used
// CHECK: %[[A:.*]] = compute.map () : () -> tensor<2xi64> {
// CHECK-DAG: %[[I:.*]] = compute.index 0
// CHECK-DAG: %[[FIRST:.*]] = extent.size #[[$S0]]
// CHECK-DAG: %[[SECOND:.*]] = extent.size #[[$FOUR]]
// CHECK: %[[IS:.*]] = arith.cmpi eq, %[[I]], %{{.*}} : index
// CHECK: %[[V:.*]] = arith.select %[[IS]], %[[SECOND]], %[[FIRST]] : index
// CHECK: arith.index_cast %[[V]] : index to i64
// CHECK: %[[B:.*]] = graph.constant dense<4> : tensor<i64>
// CHECK: return %[[A]], %[[B]]
func.func @used(%x: tensor<?x4xf32>) -> (!graph.any, !graph.any) {
  %s = graph.node "Shape" version 15 (%x) -> ["s"] : (tensor<?x4xf32>) -> !graph.any
  %one = graph.constant dense<1> : tensor<i64>
  %b = graph.node "Gather" version 13 (%s, %one) -> ["b"] : (!graph.any, tensor<i64>) -> !graph.any
  return %s, %b : !graph.any, !graph.any
}

// -----

// Bound symbols stay with the value that they are read from, here the sum.
// CHECK-LABEL: func.func @bound
// CHECK: %[[SUM:.*]] = compute.map
// CHECK: extent.bind 0 = %[[SUM]][0] max 2147483647
// CHECK: %[[Y:.*]] = compute.map () : () -> tensor<?xf32, #extent.shape<()[s0] -> (s0)>>
// CHECK-NOT: extent.bind
// CHECK: return %[[Y]]
func.func @bound(%a: tensor<1xi64>, %b: tensor<1xi64>) -> !graph.any {
  %n = graph.node "Add" version 14 (%a, %b) -> ["n"] : (tensor<1xi64>, tensor<1xi64>) -> !graph.any
  %y = graph.node "ConstantOfShape" version 9 (%n) -> ["y"] : (!graph.any) -> !graph.any
  return %y : !graph.any
}

// -----

// Nodes without use go, and so do left-out operands.
// CHECK-LABEL: func.func @dead
// CHECK-NOT: compute.
// CHECK-NOT: graph.
// CHECK: return %{{.*}} : tensor<2xf32>
func.func @dead(%x: tensor<2xf32>) -> !graph.any {
  %none = graph.none
  %unused = graph.node "Clip" version 13 (%x, %none, %none) -> ["u"] : (tensor<2xf32>, none, none) -> !graph.any
  %y = graph.node "Identity" version 13 (%x) -> ["y"] : (tensor<2xf32>) -> !graph.any
  return %y : !graph.any
}
