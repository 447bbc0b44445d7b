// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand | FileCheck %s

// Without training nothing is left of it.
// CHECK-LABEL: func.func @inference
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>
// CHECK: %[[MASK:.*]] = graph.constant dense<true> : tensor<4x8xi1>
// CHECK: return %[[X]], %[[MASK]]
func.func @inference(%x: tensor<4x8xf32>, %ratio: tensor<f32>) -> (!graph.any, !graph.any) {
  %off = graph.constant dense<false> : tensor<i1>
  %y, %mask = graph.node "Dropout" version 22 (%x, %ratio, %off) -> ["y", "mask"]
      : (tensor<4x8xf32>, tensor<f32>, tensor<i1>) -> (!graph.any, !graph.any)
  return %y, %mask : !graph.any, !graph.any
}

// -----

// The numbers of a small tensor are those of NumPy's RandomState(0).uniform().
// CHECK-LABEL: func.func @training
// CHECK: graph.constant dense<[0.5488135{{[0-9]*}}, 0.7151893{{[0-9]*}}, 0.6027633{{[0-9]*}}]> : tensor<3xf64>
// CHECK: compute.map
// CHECK: arith.cmpf oge
// CHECK: compute.map
// CHECK: arith.divf
func.func @training(%x: tensor<3xf16>, %ratio: tensor<f32>, %on: tensor<i1>) -> !graph.any {
  %y = graph.node "Dropout" version 13 (%x, %ratio, %on) -> ["y"] with {seed = 0 : i64}
      : (tensor<3xf16>, tensor<f32>, tensor<i1>) -> !graph.any
  return %y : !graph.any
}

// -----

// Otherwise they are computed from their position.
// CHECK-LABEL: func.func @dynamic
// CHECK: compute.map
// CHECK: compute.index 0
// CHECK: arith.xori
// CHECK: arith.cmpf oge
func.func @dynamic(%x: tensor<?xf32>, %ratio: tensor<f32>, %on: tensor<i1>) -> !graph.any {
  %y = graph.node "Dropout" version 13 (%x, %ratio, %on) -> ["y"]
      : (tensor<?xf32>, tensor<f32>, tensor<i1>) -> !graph.any
  return %y : !graph.any
}
