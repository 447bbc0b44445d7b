// RUN: lt-opt --lt-infer-shapes --lt-expand -split-input-file %s | FileCheck %s

// Batch dimensions broadcast; f16 is summed in f32 and truncated by a map.
// CHECK-LABEL: func.func @matmul_batches
// CHECK: %[[SUM:.*]] = compute.contract %{{.*}} at #access.map<(d0, d1, d2, d3, d4) -> (d0, 0, d2, d4)>, %{{.*}} at #access.map<(d0, d1, d2, d3, d4) -> (d1, d4, d3)> {{.*}} -> tensor<2x6x3x5xf32>
// CHECK: compute.map (%[[SUM]]
// CHECK: arith.truncf
func.func @matmul_batches(%a: tensor<2x1x3x4xf16>, %b: tensor<6x4x5xf16>) -> !graph.any {
  %r = graph.node "MatMul" version 13 (%a, %b) -> ["r"] : (tensor<2x1x3x4xf16>, tensor<6x4x5xf16>) -> !graph.any
  return %r : !graph.any
}

// -----

// A vector is a row or a column that the result does not have.
// CHECK-LABEL: func.func @matmul_vectors
// CHECK: compute.contract %{{.*}} at #access.map<(d0, d1, d2) -> (d2)>, %{{.*}} at #access.map<(d0, d1, d2) -> (d0, d2, d1)> {{.*}} -> tensor<2x5xi32>
// CHECK: compute.contract %{{.*}} at #access.map<(d0, d1) -> (d0, d1)>, %{{.*}} at #access.map<(d0, d1) -> (d1)> {{.*}} -> tensor<3xf32>
// CHECK: compute.contract %{{.*}} at #access.map<(d0) -> (d0)>, %{{.*}} at #access.map<(d0) -> (d0)> {{.*}} -> tensor<f32>
func.func @matmul_vectors(%i: tensor<4xi32>, %j: tensor<2x4x5xi32>, %a: tensor<3x4xf32>, %v: tensor<4xf32>)
    -> (!graph.any, !graph.any, !graph.any) {
  %0 = graph.node "MatMul" version 13 (%i, %j) -> ["0"] : (tensor<4xi32>, tensor<2x4x5xi32>) -> !graph.any
  %1 = graph.node "MatMul" version 13 (%a, %v) -> ["1"] : (tensor<3x4xf32>, tensor<4xf32>) -> !graph.any
  %2 = graph.node "MatMul" version 13 (%v, %v) -> ["2"] : (tensor<4xf32>, tensor<4xf32>) -> !graph.any
  return %0, %1, %2 : !graph.any, !graph.any, !graph.any
}

// -----

// Inner sizes that only the run knows are checked.
// CHECK-LABEL: func.func @matmul_dynamic
// CHECK: extent.check eq {{.*}} "'mm' (MatMul): the columns of 'A' and the rows of 'B' differ"
// CHECK: compute.contract
func.func @matmul_dynamic(%a: tensor<3x?xf32>, %b: tensor<?x5xf32>) -> !graph.any {
  %r = graph.node "MatMul" version 13 named "mm" (%a, %b) -> ["r"] : (tensor<3x?xf32>, tensor<?x5xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// CHECK-LABEL: func.func @gemm
// CHECK: %[[SUM:.*]] = compute.contract %{{.*}} at #access.map<(d0, d1, d2) -> (d2, d0)>, %{{.*}} at #access.map<(d0, d1, d2) -> (d1, d2)>
// CHECK: compute.map (%[[SUM]] at #access.map<(d0, d1) -> (d0, d1)>, %{{.*}} at #access.map<(d0, d1) -> (d1)>)
// CHECK: arith.constant 5.0{{.*}}e-01
// CHECK: arith.mulf
// CHECK: arith.addf
func.func @gemm(%a: tensor<4x3xf32>, %b: tensor<5x4xf32>, %c: tensor<5xf32>) -> !graph.any {
  %r = graph.node "Gemm" version 13 (%a, %b, %c) -> ["r"]
      with {alpha = 0.5 : f32, transA = 1 : i64, transB = 1 : i64}
      : (tensor<4x3xf32>, tensor<5x4xf32>, tensor<5xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// Nothing to add and nothing to scale: the contraction alone.
// CHECK-LABEL: func.func @gemm_plain
// CHECK: %[[SUM:.*]] = compute.contract
// CHECK-NEXT: return %[[SUM]]
func.func @gemm_plain(%a: tensor<3x4xf64>, %b: tensor<4x5xf64>, %c: tensor<5xf64>) -> !graph.any {
  %r = graph.node "Gemm" version 13 (%a, %b, %c) -> ["r"] with {beta = 0.0 : f32}
      : (tensor<3x4xf64>, tensor<4x5xf64>, tensor<5xf64>) -> !graph.any
  return %r : !graph.any
}

// -----

// Zero points are taken off before: one for each row of A, one for all of B.
// CHECK-LABEL: func.func @matmul_integer
// CHECK: compute.map (%{{.*}}, %{{.*}} at #access.map<(d0, d1) -> (d0)>) {{.*}} -> tensor<3x4xi32>
// CHECK: arith.extui
// CHECK: compute.map (%{{.*}}, %{{.*}} at #access.map<(d0, d1) -> ()>) {{.*}} -> tensor<4x5xi32>
// CHECK: arith.extsi
// CHECK: compute.contract {{.*}} -> tensor<3x5xi32>
func.func @matmul_integer(%a: tensor<3x4xui8>, %b: tensor<4x5xi8>, %az: tensor<3xui8>, %bz: tensor<i8>) -> !graph.any {
  %r = graph.node "MatMulInteger" version 10 (%a, %b, %az, %bz) -> ["r"]
      : (tensor<3x4xui8>, tensor<4x5xi8>, tensor<3xui8>, tensor<i8>) -> !graph.any
  return %r : !graph.any
}
