// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand | FileCheck %s

// One index that is known and inside is a read.
// CHECK-LABEL: func.func @known
// CHECK: access.read %{{.*}} at <(d0) -> (d0, 7)> : tensor<4x8xf32> -> tensor<4xf32>
func.func @known(%x: tensor<4x8xf32>) -> !graph.any {
  %i = graph.constant dense<-1> : tensor<i64>
  %y = graph.node "Gather" version 13 (%x, %i) -> ["y"] with {axis = 1 : i64} : (tensor<4x8xf32>, tensor<i64>) -> !graph.any
  return %y : !graph.any
}

// -----

// Others are loads that the kernel checks; negative indices count from the end.
// CHECK-LABEL: func.func @rows
// CHECK-SAME: (%[[TABLE:.*]]: tensor<100x8xf32>, %[[IDS:.*]]: tensor<?x5xi64
// CHECK: compute.map (%[[IDS]] at #access.map<(d0, d1, d2) -> (d0, d1)>)
// CHECK: ^bb0(%[[ID:.*]]: i64):
// CHECK: %[[I:.*]] = arith.index_cast %[[ID]] : i64 to index
// CHECK: %[[NEGATIVE:.*]] = arith.cmpi slt, %[[I]], %{{.*}}
// CHECK: %[[ROW:.*]] = arith.select %[[NEGATIVE]], %{{.*}}, %[[I]] : index
// CHECK: %[[COLUMN:.*]] = compute.index 2
// CHECK: access.load %[[TABLE]][%[[ROW]], %[[COLUMN]]] checked
func.func @rows(%table: tensor<100x8xf32>, %ids: tensor<?x5xi64>) -> !graph.any {
  %y = graph.node "Gather" version 13 (%table, %ids) -> ["y"] : (tensor<100x8xf32>, tensor<?x5xi64>) -> !graph.any
  return %y : !graph.any
}

// -----

// CHECK-LABEL: func.func @one_hot
// CHECK: %[[N:.*]] = compute.map
// CHECK: extent.bind 0 = %[[N]][0] max 2147483647
// CHECK: compute.map {{.*}} -> tensor<3x?xf32
// CHECK: arith.cmpi eq
// CHECK: arith.select
func.func @one_hot(%x: tensor<3xi64>, %depth: tensor<f32>, %values: tensor<2xf32>) -> !graph.any {
  %y = graph.node "OneHot" version 11 (%x, %depth, %values) -> ["y"] : (tensor<3xi64>, tensor<f32>, tensor<2xf32>) -> !graph.any
  return %y : !graph.any
}
