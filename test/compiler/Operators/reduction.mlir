// RUN: lt-opt --lt-infer-shapes --lt-expand -split-input-file %s | FileCheck %s

// Known axes are folded in place, the mean divides afterwards.
// CHECK-LABEL: func.func @known_axes
// CHECK: %[[SUM:.*]] = compute.reduce add over {{.*}} (%{{.*}} at #access.map<(d0, d1, d2) -> (d1, d0, d2)>)
// CHECK: compute.map (%[[SUM]]
// CHECK: %[[COUNT:.*]] = arith.constant 8.0
// CHECK: arith.divf %{{.*}}, %[[COUNT]]
func.func @known_axes(%x: tensor<2x3x4xf32>) -> !graph.any {
  %axes = graph.constant dense<[-1, 0]> : tensor<2xi64>
  %r = graph.node "ReduceMean" version 18 (%x, %axes) -> ["r"] with {keepdims = 0 : i64}
      : (tensor<2x3x4xf32>, tensor<2xi64>) -> !graph.any
  return %r : !graph.any
}

// -----

// Axes of the data: each dimension is folded or kept, which symbols decide.
// CHECK-LABEL: func.func @bound_axes
// CHECK: extent.bind 0 = %{{.*}}[0] min -2 max 1
// CHECK: compute.reduce add over {{.*}} (%{{.*}} at #access.map<(d0, d1, d2, d3) -> (d0 + d2, d1 + d3)>)
func.func @bound_axes(%x: tensor<3x5xf32>, %axes: tensor<1xi64>) -> !graph.any {
  %r = graph.node "ReduceSum" version 13 (%x, %axes) -> ["r"]
      : (tensor<3x5xf32>, tensor<1xi64>) -> !graph.any
  return %r : !graph.any
}

// -----

// Without the folded dimensions the remaining ones move up.
// CHECK-LABEL: func.func @bound_axes_dropped
// CHECK-SAME: -> tensor<?xf32
// CHECK: compute.reduce max over {{.*}} (%{{.*}} at #access.map<(d0, d1, d2){{.*}} -> (d1 + d0 * s8, d2 + d0 * s11)>)
func.func @bound_axes_dropped(%x: tensor<3x5xf32>, %axes: tensor<1xi64>) -> !graph.any {
  %r = graph.node "ReduceMax" version 18 (%x, %axes) -> ["r"] with {keepdims = 0 : i64}
      : (tensor<3x5xf32>, tensor<1xi64>) -> !graph.any
  return %r : !graph.any
}

// -----

// No axes and noop_with_empty_axes: the elements are still squared.
// CHECK-LABEL: func.func @noop
// CHECK-NOT: compute.reduce
// CHECK: compute.map
// CHECK: arith.muli
func.func @noop(%x: tensor<2x3xi32>) -> !graph.any {
  %r = graph.node "ReduceSumSquare" version 18 (%x) -> ["r"] with {noop_with_empty_axes = 1 : i64}
      : (tensor<2x3xi32>) -> !graph.any
  return %r : !graph.any
}

// -----

// Unsigned, bool and short floating-point elements.
// CHECK-LABEL: func.func @element_types
// CHECK: compute.reduce umin
// CHECK: compute.reduce or
// CHECK: compute.reduce add {{.*}} -> tensor<1x1xf32>
// CHECK: arith.truncf
func.func @element_types(%u: tensor<2x3xui8>, %b: tensor<2x3xi1>, %h: tensor<2x3xbf16>)
    -> (!graph.any, !graph.any, !graph.any) {
  %0 = graph.node "ReduceMin" version 18 (%u) -> ["0"] : (tensor<2x3xui8>) -> !graph.any
  %1 = graph.node "ReduceMax" version 20 (%b) -> ["1"] : (tensor<2x3xi1>) -> !graph.any
  %2 = graph.node "ReduceSum" version 13 (%h) -> ["2"] : (tensor<2x3xbf16>) -> !graph.any
  return %0, %1, %2 : !graph.any, !graph.any, !graph.any
}

// -----

// The last of equal minima: the greatest position that holds the minimum.
// CHECK-LABEL: func.func @last_position
// CHECK: %[[MIN:.*]] = compute.reduce min {{.*}} -> tensor<2x1xf32>
// CHECK: compute.reduce max over {{.*}}, %[[MIN]] at #access.map<(d0, d1) -> (d0, 0)>) {{.*}} -> tensor<2xi64>
// CHECK: arith.constant -9223372036854775808
func.func @last_position(%x: tensor<2x3xf32>) -> !graph.any {
  %r = graph.node "ArgMin" version 13 (%x) -> ["r"]
      with {axis = 1 : i64, keepdims = 0 : i64, select_last_index = 1 : i64}
      : (tensor<2x3xf32>) -> !graph.any
  return %r : !graph.any
}
