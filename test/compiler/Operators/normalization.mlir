// RUN: lt-opt --lt-infer-shapes --lt-expand -split-input-file %s | FileCheck %s

// exp is computed once; f16 rows are normalized in f32.
// CHECK-LABEL: func.func @softmax
// CHECK: %[[MAX:.*]] = compute.reduce max {{.*}} -> tensor<4x1xf32>
// CHECK: %[[EXP:.*]] = compute.map ({{.*}}, %[[MAX]] {{.*}} -> tensor<4x8xf32>
// CHECK: math.exp
// CHECK: %[[SUM:.*]] = compute.reduce add {{.*}} (%[[EXP]]
// CHECK-NOT: math.exp
// CHECK: compute.map (%[[EXP]] {{.*}}, %[[SUM]] at #access.map<(d0, d1) -> (d0, 0)>)
func.func @softmax(%x: tensor<4x8xf16>) -> !graph.any {
  %r = graph.node "Softmax" version 13 (%x) -> ["r"] : (tensor<4x8xf16>) -> !graph.any
  return %r : !graph.any
}

// -----

// Before version 13 all dimensions from the axis on are one row.
// CHECK-LABEL: func.func @log_softmax_flattened
// CHECK: compute.reduce max {{.*}} at #access.map<(d0, d1, d2, d3, d4) -> (d0, d3, d4)>) {{.*}} -> tensor<2x1x1xf32>
// CHECK: math.log
func.func @log_softmax_flattened(%x: tensor<2x3x4xf32>) -> !graph.any {
  %r = graph.node "LogSoftmax" version 11 (%x) -> ["r"] : (tensor<2x3x4xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// Only the first maximum counts.
// CHECK-LABEL: func.func @hardmax
// CHECK: compute.reduce max
// CHECK: %[[FIRST:.*]] = compute.reduce min {{.*}} -> tensor<2x1x4xi64>
// CHECK: compute.map (%[[FIRST]]
// CHECK: arith.cmpi eq
func.func @hardmax(%x: tensor<2x3x4xf32>) -> !graph.any {
  %r = graph.node "Hardmax" version 13 (%x) -> ["r"] with {axis = 1 : i64} : (tensor<2x3x4xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// The centred elements are not stored; mean and deviation are results of their own.
// CHECK-LABEL: func.func @layer
// CHECK-SAME: -> (tensor<2x8xf32>, tensor<2x1xf32>, tensor<2x1xf32>)
// CHECK: %[[SUM:.*]] = compute.reduce add
// CHECK: %[[MEAN:.*]] = compute.map (%[[SUM]]
// CHECK: compute.reduce add {{.*}}, %[[MEAN]]
// CHECK: %[[VARIANCE:.*]] = compute.map {{.*}} -> tensor<2x1xf32>
// CHECK: %[[INVERSE:.*]] = compute.map (%[[VARIANCE]] at #access.map<(d0, d1) -> (d0, d1)>)
// CHECK: math.sqrt
// CHECK: %[[Y:.*]] = compute.map (%{{.*}}, %[[MEAN]] {{.*}}, %[[INVERSE]] {{.*}}, %{{.*}} at #access.map<(d0, d1) -> (d1)>, %{{.*}} at #access.map<(d0, d1) -> (d1)>)
// CHECK: return %[[Y]], %[[MEAN]], %[[INVERSE]]
func.func @layer(%x: tensor<2x8xf32>, %s: tensor<8xf32>, %b: tensor<8xf32>) -> (!graph.any, !graph.any, !graph.any) {
  %r:3 = graph.node "LayerNormalization" version 17 (%x, %s, %b) -> ["y", "mean", "inv"]
      : (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (!graph.any, !graph.any, !graph.any)
  return %r#0, %r#1, %r#2 : !graph.any, !graph.any, !graph.any
}

// -----

// CHECK-LABEL: func.func @root_mean_square
// CHECK: compute.reduce add
// CHECK: arith.mulf
// CHECK-NOT: compute.reduce
// CHECK: return
func.func @root_mean_square(%x: tensor<2x8xf32>, %s: tensor<8xf32>) -> !graph.any {
  %r = graph.node "RMSNormalization" version 23 (%x, %s) -> ["y"] : (tensor<2x8xf32>, tensor<8xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// One factor and one offset for each channel.
// CHECK-LABEL: func.func @batch
// CHECK: %[[FACTOR:.*]] = compute.map {{.*}} -> tensor<3xf32>
// CHECK: %[[OFFSET:.*]] = compute.map {{.*}}%[[FACTOR]] {{.*}} -> tensor<3xf32>
// CHECK: compute.map (%{{.*}}, %[[FACTOR]] at #access.map<(d0, d1, d2) -> (d1)>, %[[OFFSET]] at #access.map<(d0, d1, d2) -> (d1)>)
func.func @batch(%x: tensor<2x3x4xf32>, %s: tensor<3xf32>) -> !graph.any {
  %r = graph.node "BatchNormalization" version 15 (%x, %s, %s, %s, %s) -> ["y"]
      : (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// Without `spatial` each position has statistics of its own.
// CHECK-LABEL: func.func @batch_positions
// CHECK: compute.map (%{{.*}} at #access.map<(d0, d1, d2) -> (d1, d2)>, %{{.*}} at #access.map<(d0, d1, d2) -> (d1, d2)>)
func.func @batch_positions(%x: tensor<2x3x4xf32>, %s: tensor<3x4xf32>) -> !graph.any {
  %r = graph.node "BatchNormalization" version 7 (%x, %s, %s, %s, %s) -> ["y"] with {spatial = 0 : i64}
      : (tensor<2x3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// In training the statistics are those of the batch.
// CHECK-LABEL: func.func @batch_training
// CHECK-SAME: -> (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>)
// CHECK: compute.reduce add {{.*}} at #access.map<(d0, d1, d2, d3, d4) -> (d3, d1, d4)>) {{.*}} -> tensor<1x3x1xf32>
func.func @batch_training(%x: tensor<2x3x4xf32>, %s: tensor<3xf32>) -> (!graph.any, !graph.any, !graph.any) {
  %r:3 = graph.node "BatchNormalization" version 15 (%x, %s, %s, %s, %s) -> ["y", "m", "v"] with {training_mode = 1 : i64}
      : (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (!graph.any, !graph.any, !graph.any)
  return %r#0, %r#1, %r#2 : !graph.any, !graph.any, !graph.any
}

// -----

// Version 18 scales groups, version 21 channels.
// CHECK-LABEL: func.func @groups
// CHECK: compute.reduce add {{.*}} at #access.map<(d0, d1, d2, d3) -> (d0, d1 * 3 + d2, d3)>) {{.*}} -> tensor<2x2xf32>
// CHECK: %{{.*}} at #access.map<(d0, d1, d2) -> (d1 floordiv 3)>)
// CHECK: %{{.*}} at #access.map<(d0, d1, d2) -> (d1)>)
func.func @groups(%x: tensor<2x6x4xf32>, %g: tensor<2xf32>, %c: tensor<6xf32>) -> (!graph.any, !graph.any) {
  %0 = graph.node "GroupNormalization" version 18 (%x, %g, %g) -> ["0"] with {num_groups = 2 : i64}
      : (tensor<2x6x4xf32>, tensor<2xf32>, tensor<2xf32>) -> !graph.any
  %1 = graph.node "GroupNormalization" version 21 (%x, %c, %c) -> ["1"] with {num_groups = 2 : i64}
      : (tensor<2x6x4xf32>, tensor<6xf32>, tensor<6xf32>) -> !graph.any
  return %0, %1 : !graph.any, !graph.any
}

// -----

// A power of 3/4 is two square roots.
// CHECK-LABEL: func.func @response
// CHECK: compute.reduce add {{.*}} at #access.map<(d0, d1, d2, d3) -> (d0, d1 + d3 - 1, d2), valid (d0, d1, d2, d3) -> (d1 + d3 - 1) below (d0, d1, d2, d3) -> (6)>
// CHECK-NOT: math.powf
// CHECK-COUNT-2: math.sqrt
func.func @response(%x: tensor<2x6x4xf32>) -> !graph.any {
  %r = graph.node "LRN" version 13 (%x) -> ["r"] with {size = 3 : i64} : (tensor<2x6x4xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// A norm of 0 gives 0.
// CHECK-LABEL: func.func @norm
// CHECK: math.absf
// CHECK: arith.select
func.func @norm(%x: tensor<2x6xf32>) -> !graph.any {
  %r = graph.node "LpNormalization" version 1 (%x) -> ["r"] with {p = 1 : i64} : (tensor<2x6xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// CHECK-LABEL: func.func @mean_variance
// CHECK: compute.reduce add {{.*}} -> tensor<1x3x1x1xf32>
func.func @mean_variance(%x: tensor<2x3x4x5xf32>) -> !graph.any {
  %r = graph.node "MeanVarianceNormalization" version 13 (%x) -> ["r"] : (tensor<2x3x4x5xf32>) -> !graph.any
  return %r : !graph.any
}
