// RUN: lt-opt --lt-infer-shapes --lt-expand -split-input-file %s | FileCheck %s

// Positions outside read minus infinity. A stride below the kernel's size: no window starts outside.
// CHECK-LABEL: func.func @max_ceil
// CHECK-SAME: #extent.shape<()[s0] -> (1, 4, (s0 - 3) ceildiv 2 + 1)>
// CHECK: compute.reduce max over {{.*}} (%{{.*}} at #access.map<(d0, d1, d2, d3) -> (d0, d1, d2 * 2 + d3), valid (d0, d1, d2, d3) -> (d2 * 2 + d3) below (d0, d1, d2, d3)[s0] -> (s0)> fill 0xFF800000 : f32)
func.func @max_ceil(%x: tensor<1x4x?xf32>) -> !graph.any {
  %r = graph.node "MaxPool" version 12 (%x) -> ["r"]
      with {kernel_shape = array<i64: 3>, strides = array<i64: 2>, ceil_mode = 1 : i64}
      : (tensor<1x4x?xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// CHECK-LABEL: func.func @max_positions
// CHECK: %[[MAX:.*]] = compute.reduce umax {{.*}} fill 0 : i8
// CHECK: %[[FIRST:.*]] = compute.reduce min {{.*}}%[[MAX]]
// CHECK: arith.cmpi ult
// CHECK: compute.map (%[[FIRST]]
// CHECK: arith.remsi
func.func @max_positions(%x: tensor<1x4x6x6xui8>) -> (!graph.any, !graph.any) {
  %r:2 = graph.node "MaxPool" version 12 (%x) -> ["r", "i"]
      with {kernel_shape = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, storage_order = 1 : i64}
      : (tensor<1x4x6x6xui8>) -> (!graph.any, !graph.any)
  return %r#0, %r#1 : !graph.any, !graph.any
}

// -----

// Padding does not count: the divisor depends on the position, in the padded dimension only.
// CHECK-LABEL: func.func @average
// CHECK: %[[SUM:.*]] = compute.reduce add
// CHECK: compute.map (%[[SUM]]
// CHECK: compute.index 2
// CHECK-NOT: compute.index 3
// CHECK: arith.divf
func.func @average(%x: tensor<1x4x6x6xf32>) -> !graph.any {
  %r = graph.node "AveragePool" version 19 (%x) -> ["r"]
      with {kernel_shape = array<i64: 3, 3>, pads = array<i64: 1, 0, 1, 0>}
      : (tensor<1x4x6x6xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// Padding counts: a constant divisor.
// CHECK-LABEL: func.func @average_with_pads
// CHECK: compute.map
// CHECK-NOT: compute.index
// CHECK: arith.constant 9.0
func.func @average_with_pads(%x: tensor<1x4x6x6xf32>) -> !graph.any {
  %r = graph.node "AveragePool" version 19 (%x) -> ["r"]
      with {kernel_shape = array<i64: 3, 3>, pads = array<i64: 1, 0, 1, 0>, count_include_pad = 1 : i64}
      : (tensor<1x4x6x6xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// CHECK-LABEL: func.func @norms
// CHECK: compute.reduce add
// CHECK: math.absf
// CHECK: math.powf
// CHECK: compute.reduce add {{.*}} -> tensor<1x4x1x1xf32>
// CHECK: math.sqrt
func.func @norms(%x: tensor<1x4x6x6xf32>) -> (!graph.any, !graph.any) {
  %0 = graph.node "LpPool" version 18 (%x) -> ["0"] with {kernel_shape = array<i64: 3, 3>, p = 3 : i64}
      : (tensor<1x4x6x6xf32>) -> !graph.any
  %1 = graph.node "GlobalLpPool" version 2 (%x) -> ["1"] : (tensor<1x4x6x6xf32>) -> !graph.any
  return %0, %1 : !graph.any, !graph.any
}

// -----

// The number of elements follows the sizes.
// CHECK-LABEL: func.func @global_average
// CHECK: compute.reduce add {{.*}} -> tensor<1x4x1x1xf32>
// CHECK: extent.size
// CHECK: arith.divf
func.func @global_average(%x: tensor<1x4x?x6xf32>) -> !graph.any {
  %r = graph.node "GlobalAveragePool" version 1 (%x) -> ["r"] : (tensor<1x4x?x6xf32>) -> !graph.any
  return %r : !graph.any
}
