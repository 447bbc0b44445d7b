// RUN: lt-opt %s --split-input-file --lt-fold-batch-normalization | FileCheck %s

// CHECK-LABEL: func.func @conv
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4x4xf32>)
// CHECK-NOT: BatchNormalization
// CHECK: %[[FACTOR:.*]] = graph.node "Div"
// CHECK: %[[COLUMN:.*]] = graph.node "Reshape" version 13(%[[FACTOR]],{{.*}} -> tensor<3x1x1x1xf32>
// CHECK: %[[W:.*]] = graph.node "Mul" version 13(%{{.*}}, %[[COLUMN]]){{.*}} -> tensor<3x2x3x3xf32>
// CHECK: %[[B:.*]] = graph.node "Sub" {{.*}} -> tensor<3xf32>
// CHECK: %[[Y:.*]] = graph.node "Conv" version 11 named "c"(%[[X]], %[[W]], %[[B]]) -> ["y"] with {pads = array<i64: 1, 1, 1, 1>}
// CHECK: return %[[Y]]
func.func @conv(%x: tensor<1x2x4x4xf32>) -> !graph.any {
  %w = graph.constant dense<1.0> : tensor<3x2x3x3xf32>
  %s = graph.constant dense<2.0> : tensor<3xf32>
  %c = graph.node "Conv" version 11 named "c" (%x, %w) -> ["c"] with {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x2x4x4xf32>, tensor<3x2x3x3xf32>) -> !graph.any
  %i = graph.node "Identity" version 13 (%c) -> ["i"] : (!graph.any) -> !graph.any
  %y = graph.node "BatchNormalization" version 15 (%i, %s, %s, %s, %s) -> ["y"] : (!graph.any, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

// f16 statistics are computed in f32; channels of a transposed convolution are in groups.
// CHECK-LABEL: func.func @transposed
// CHECK: graph.node "Cast" {{.*}} -> tensor<6xf32>
// CHECK: graph.node "Reshape" {{.*}} -> tensor<2x2x3x3x3xf32>
// CHECK: graph.node "Reshape" {{.*}} -> tensor<2x1x3x1x1xf32>
// CHECK: %[[W:.*]] = graph.node "Cast" {{.*}} -> tensor<4x3x3x3xf16>
// CHECK: graph.node "ConvTranspose" version 11(%{{.*}}, %[[W]],
// CHECK-NOT: BatchNormalization
func.func @transposed(%x: tensor<1x4x4x4xf16>) -> !graph.any {
  %w = graph.constant dense<1.0> : tensor<4x3x3x3xf16>
  %s = graph.constant dense<2.0> : tensor<6xf16>
  %c = graph.node "ConvTranspose" version 11 (%x, %w) -> ["c"] with {group = 2 : i64} : (tensor<1x4x4x4xf16>, tensor<4x3x3x3xf16>) -> !graph.any
  %y = graph.node "BatchNormalization" version 15 (%c, %s, %s, %s, %s) -> ["y"] : (!graph.any, tensor<6xf16>, tensor<6xf16>, tensor<6xf16>, tensor<6xf16>) -> !graph.any
  return %y : !graph.any
}

// -----

// Not folded: another user of the product, training, weights that are not constant, a product of more
// than two dimensions.
// CHECK-LABEL: func.func @left_alone
// CHECK-COUNT-4: graph.node "BatchNormalization"
func.func @left_alone(%x: tensor<1x2x4x4xf32>, %v: tensor<3x2x3x3xf32>, %m: tensor<5x3x3xf32>) -> (!graph.any, !graph.any, !graph.any, !graph.any, !graph.any) {
  %w = graph.constant dense<1.0> : tensor<3x2x3x3xf32>
  %k = graph.constant dense<1.0> : tensor<3x3xf32>
  %s = graph.constant dense<2.0> : tensor<3xf32>
  %a = graph.node "Conv" version 11 (%x, %w) -> ["a"] : (tensor<1x2x4x4xf32>, tensor<3x2x3x3xf32>) -> !graph.any
  %ya = graph.node "BatchNormalization" version 15 (%a, %s, %s, %s, %s) -> ["ya"] : (!graph.any, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> !graph.any
  %b = graph.node "Conv" version 11 (%x, %w) -> ["b"] : (tensor<1x2x4x4xf32>, tensor<3x2x3x3xf32>) -> !graph.any
  %yb = graph.node "BatchNormalization" version 15 (%b, %s, %s, %s, %s) -> ["yb"] with {training_mode = 1 : i64} : (!graph.any, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> !graph.any
  %c = graph.node "Conv" version 11 (%x, %v) -> ["c"] : (tensor<1x2x4x4xf32>, tensor<3x2x3x3xf32>) -> !graph.any
  %yc = graph.node "BatchNormalization" version 15 (%c, %s, %s, %s, %s) -> ["yc"] : (!graph.any, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> !graph.any
  %d = graph.node "MatMul" version 13 (%m, %k) -> ["d"] : (tensor<5x3x3xf32>, tensor<3x3xf32>) -> !graph.any
  %yd = graph.node "BatchNormalization" version 15 (%d, %s, %s, %s, %s) -> ["yd"] : (!graph.any, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> !graph.any
  return %a, %ya, %yb, %yc, %yd : !graph.any, !graph.any, !graph.any, !graph.any, !graph.any
}
