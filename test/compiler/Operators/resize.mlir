// RUN: lt-opt --lt-infer-shapes --lt-expand -split-input-file %s | FileCheck %s

// Integer factors of the nearest mode are reads.
// CHECK-LABEL: func.func @double
// CHECK-SAME: #extent.shape<()[s0] -> (1, 4, s0 * 2, 15)>
// CHECK-NOT: compute.map
// CHECK: access.read %{{.*}} at <(d0, d1, d2, d3) -> (d0, d1, d2 floordiv 2, d3 floordiv 3)>
func.func @double(%x: tensor<1x4x?x5xi8>) -> !graph.any {
  %none = graph.none
  %s = graph.constant dense<[1.0, 1.0, 2.0, 3.0]> : tensor<4xf32>
  %r = graph.node "Resize" version 19 (%x, %none, %s) -> ["r"]
      with {coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"}
      : (tensor<1x4x?x5xi8>, none, tensor<4xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// So are the sizes of another tensor's shape, where the quotient is known.
// CHECK-LABEL: func.func @halve
// CHECK: access.read %{{.*}} at <(d0, d1, d2) -> (d0, d1, d2 * 2)>
func.func @halve(%x: tensor<1x4x8xf32>) -> !graph.any {
  %none = graph.none
  %s = graph.constant dense<[1, 4, 4]> : tensor<3xi64>
  %r = graph.node "Resize" version 19 (%x, %none, %none, %s) -> ["r"]
      with {coordinate_transformation_mode = "asymmetric", nearest_mode = "ceil"}
      : (tensor<1x4x8xf32>, none, none, tensor<3xi64>) -> !graph.any
  return %r : !graph.any
}

// -----

// Half a pixel off, the nearest input of an integer factor is the same.
// CHECK-LABEL: func.func @upsample_half_pixel
// CHECK: access.read %{{.*}} at <(d0, d1, d2) -> (d0, d1, d2 floordiv 2)>
func.func @upsample_half_pixel(%x: tensor<1x4x8xf32>) -> !graph.any {
  %none = graph.none
  %s = graph.constant dense<[1.0, 1.0, 2.0]> : tensor<3xf32>
  %r = graph.node "Resize" version 13 (%x, %none, %s) -> ["r"] : (tensor<1x4x8xf32>, none, tensor<3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// A fraction of small numbers gives exact sizes: 7/10 of 10 is 7.
// CHECK-LABEL: func.func @fraction
// CHECK-SAME: #extent.shape<()[s0] -> (1, (s0 * 7) floordiv 10)>
// CHECK: %[[POSITIONS:.*]] = compute.map () {{.*}} -> tensor<?xi32
// CHECK: arith.divf
// CHECK: compute.map (%[[POSITIONS]] at #access.map<(d0, d1) -> (d1)>)
// CHECK: access.load
func.func @fraction(%x: tensor<1x?xf32>) -> !graph.any {
  %s = graph.constant dense<[1.0, 0.7]> : tensor<2xf32>
  %r = graph.node "Resize" version 10 (%x, %s) -> ["r"] : (tensor<1x?xf32>, tensor<2xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// Sizes of the data; a table of positions and weights for each dimension, four loads for each
// output; integers are rounded and saturate.
// CHECK-LABEL: func.func @linear
// CHECK: extent.bind 1 = %{{.*}}[0] max 2147483647
// CHECK: extent.bind 2 = %{{.*}}[1] max 2147483647
// CHECK: %[[ROWS:.*]]:4 = compute.map () : () -> (tensor<?xi32, {{.*}}, tensor<?xi32, {{.*}}, tensor<?xf32, {{.*}}, tensor<?xf32
// CHECK: %[[COLUMNS:.*]]:4 = compute.map
// CHECK: compute.map (%[[ROWS]]#0 at #access.map<(d0, d1, d2, d3) -> (d2)>, {{.*}} %[[COLUMNS]]#3 at #access.map<(d0, d1, d2, d3) -> (d3)>)
// CHECK-COUNT-4: access.load
// CHECK-NOT: access.load
// CHECK: math.roundeven
func.func @linear(%x: tensor<1x4x?x5xui8>, %s: tensor<2xi64>) -> !graph.any {
  %none = graph.none
  %r = graph.node "Resize" version 19 (%x, %none, %none, %s) -> ["r"] with {axes = array<i64: 2, 3>, mode = "linear"}
      : (tensor<1x4x?x5xui8>, none, none, tensor<2xi64>) -> !graph.any
  return %r : !graph.any
}

// -----

// Scales of the data define the sizes before the result exists.
// CHECK-LABEL: func.func @bound_scales
// CHECK: %[[SIZES:.*]] = compute.map (%{{.*}} at #access.map<(d0) -> (d0)>) : (tensor<2xf32>) -> tensor<2xi64>
// CHECK: math.floor
// CHECK: extent.bind 0 = %[[SIZES]][0]
// CHECK: extent.bind 1 = %[[SIZES]][1]
func.func @bound_scales(%x: tensor<4x5xf32>, %s: tensor<2xf32>) -> !graph.any {
  %none = graph.none
  %r = graph.node "Resize" version 13 (%x, %none, %s) -> ["r"] with {mode = "linear"}
      : (tensor<4x5xf32>, none, tensor<2xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// Sixteen loads for two cubic dimensions, so a third one takes another pass.
// CHECK-LABEL: func.func @cubic
// CHECK: %[[FIRST:.*]] = compute.map {{.*}} -> tensor<6x6x3xf32>
// CHECK-COUNT-16: access.load %{{.*}} : tensor<3x3x3xf16> -> f16
// CHECK: compute.map {{.*}} -> tensor<6x6x6xf16>
// CHECK-COUNT-4: access.load %[[FIRST]]
func.func @cubic(%x: tensor<3x3x3xf16>) -> !graph.any {
  %none = graph.none
  %s = graph.constant dense<2.0> : tensor<3xf32>
  %r = graph.node "Resize" version 13 (%x, %none, %s) -> ["r"] with {mode = "cubic"}
      : (tensor<3x3x3xf16>, none, tensor<3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// Antialiasing folds the inputs under a filter that the scale stretches: 2 * ceil(6 / 2).
// CHECK-LABEL: func.func @antialias
// CHECK: compute.map () {{.*}} -> (tensor<2x6xi32>, tensor<2x6xf64>)
// CHECK: compute.reduce add {{.*}} -> tensor<1x2xf32>
// CHECK: access.load
func.func @antialias(%x: tensor<1x6xf32>) -> !graph.any {
  %none = graph.none
  %s = graph.constant dense<[1, 2]> : tensor<2xi64>
  %r = graph.node "Resize" version 18 (%x, %none, %none, %s) -> ["r"] with {mode = "linear", antialias = 1 : i64}
      : (tensor<1x6xf32>, none, none, tensor<2xi64>) -> !graph.any
  return %r : !graph.any
}

// -----

// The smaller quotient, 4/2 against 9/3, decides both sizes.
// CHECK-LABEL: func.func @not_larger
// CHECK-SAME: -> tensor<4x6xf32>
func.func @not_larger(%x: tensor<2x3xf32>) -> !graph.any {
  %none = graph.none
  %s = graph.constant dense<[4, 9]> : tensor<2xi64>
  %r = graph.node "Resize" version 18 (%x, %none, %none, %s) -> ["r"] with {keep_aspect_ratio_policy = "not_larger"}
      : (tensor<2x3xf32>, none, none, tensor<2xi64>) -> !graph.any
  return %r : !graph.any
}

// -----

// Outside the region of interest stands the extrapolation value.
// CHECK-LABEL: func.func @crop
// CHECK: compute.map (%{{.*}} at #access.map<(d0) -> (0)>, %{{.*}} at #access.map<(d0) -> (1)>) {{.*}} -> (tensor<3xi32>, tensor<3xi1>)
// CHECK: arith.constant 7.0
// CHECK: arith.select
func.func @crop(%x: tensor<5xf32>, %roi: tensor<2xf32>) -> !graph.any {
  %none = graph.none
  %s = graph.constant dense<[3]> : tensor<1xi64>
  %r = graph.node "Resize" version 13 (%x, %roi, %none, %s) -> ["r"]
      with {coordinate_transformation_mode = "tf_crop_and_resize", extrapolation_value = 7.0 : f32}
      : (tensor<5xf32>, tensor<2xf32>, none, tensor<1xi64>) -> !graph.any
  return %r : !graph.any
}

// -----

// The scales of Upsample before version 9 are an attribute.
// CHECK-LABEL: func.func @upsample
// CHECK: access.read %{{.*}} at <(d0, d1) -> (d0, d1 floordiv 2)>
func.func @upsample(%x: tensor<1x4xf32>) -> !graph.any {
  %r = graph.node "Upsample" version 7 (%x) -> ["r"] with {scales = array<f32: 1.0, 2.0>} : (tensor<1x4xf32>) -> !graph.any
  return %r : !graph.any
}
