// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand --verify-diagnostics | FileCheck %s

// The class to ignore has weight 0 and may lie outside; other classes are checked.
// CHECK-LABEL: func.func @ignored
// CHECK: compute.map
// CHECK: %[[IS:.*]] = arith.cmpi eq, %{{.*}}, %{{.*}} : i64
// CHECK: %[[CLASS:.*]] = arith.select %[[IS]], %{{.*}}, %{{.*}} : i64
// CHECK: %[[AT:.*]] = arith.index_cast %[[CLASS]] : i64 to index
// CHECK: access.load %{{.*}}[%[[AT]]] checked : tensor<5xf32>
// CHECK: access.load %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] checked : tensor<3x5x6xf32>
// CHECK: compute.reduce
// CHECK: compute.reduce
// CHECK: arith.divf
// CHECK: return {{.*}} : tensor<f32
func.func @ignored(%x: tensor<3x5x6xf32>, %t: tensor<3x6xi64>, %w: tensor<5xf32>) -> !graph.any {
  %y = graph.node "NegativeLogLikelihoodLoss" version 13 (%x, %t, %w) -> ["y"] with {ignore_index = -1 : i64}
      : (tensor<3x5x6xf32>, tensor<3x6xi64>, tensor<5xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

// CHECK-LABEL: func.func @cross_entropy
// CHECK: math.exp
// CHECK: math.log
// CHECK: return {{.*}} : tensor<3{{.*}}>, tensor<3x5
func.func @cross_entropy(%x: tensor<3x5xf32>, %t: tensor<3xi32>) -> (!graph.any, !graph.any) {
  %y, %log = graph.node "SoftmaxCrossEntropyLoss" version 13 (%x, %t) -> ["y", "log"] with {reduction = "none"}
      : (tensor<3x5xf32>, tensor<3xi32>) -> (!graph.any, !graph.any)
  return %y, %log : !graph.any, !graph.any
}

// -----

func.func @shapes(%x: tensor<3x5x6xf32>, %t: tensor<3x7xi64>) -> !graph.any {
  // expected-error @below {{dimension 1 of input 'target' and that of input 'input'}}
  %y = graph.node "NegativeLogLikelihoodLoss" version 13 (%x, %t) -> ["y"]
      : (tensor<3x5x6xf32>, tensor<3x7xi64>) -> !graph.any
  return %y : !graph.any
}
