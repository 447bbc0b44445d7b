// RUN: lt-opt %s --canonicalize | FileCheck %s

// Reads that change nothing are their sources; so is a concatenation of one tensor.
// CHECK-LABEL: func @nothing
// CHECK-NEXT: return %arg0, %arg0
func.func @nothing(%x: tensor<4x5xf32>) -> (tensor<4x5xf32>, tensor<4x5xf32>) {
  %r = access.read %x at <(d0, d1) -> (d0, d1)> : tensor<4x5xf32> -> tensor<4x5xf32>
  %c = access.concat %x axis 0 : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return %r, %c : tensor<4x5xf32>, tensor<4x5xf32>
}

// A crop reads at the same indices but is another tensor.
// CHECK-LABEL: func @crop
// CHECK-NEXT: %[[R:.*]] = access.read
// CHECK-NEXT: return %[[R]]
func.func @crop(%x: tensor<4xf32>) -> tensor<3xf32> {
  %r = access.read %x at <(d0) -> (d0)> : tensor<4xf32> -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// What nobody reads goes.
// CHECK-LABEL: func @dead
// CHECK-NEXT: return
func.func @dead(%x: tensor<4xf32>) {
  %r = access.read %x at <(d0) -> (3 - d0)> : tensor<4xf32> -> tensor<4xf32>
  %c = access.concat %x, %r axis 0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  return
}
