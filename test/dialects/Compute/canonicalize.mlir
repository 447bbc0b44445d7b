// RUN: lt-opt %s --canonicalize | FileCheck %s

// Compute operations have no effects: what nobody reads goes.
// CHECK-LABEL: func @dead
// CHECK-NEXT: return
func.func @dead(%x: tensor<4x4xf32>) {
  %m = compute.map (%x at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<4x4xf32>) -> tensor<4x4xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  %s = compute.reduce add over affine_map<() -> (4)> (%m at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<4x4xf32>) -> tensor<4xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  %c = compute.contract %x at #access.map<(d0, d1, d2) -> (d0, d2)>, %m at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (4)> : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32>
  %r = compute.fused pointwise(%c) : (tensor<4x4xf32>) -> tensor<4x4xf32> {
  ^bb0(%a: tensor<4x4xf32>):
    compute.yield %a : tensor<4x4xf32>
  }
  return
}

// Regions are folded like other code, and their constants stay inside.
// CHECK-LABEL: func @constants
// CHECK-NEXT: compute.map
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32):
// CHECK-NEXT: %[[C:.*]] = arith.constant 3.0
// CHECK-NEXT: arith.mulf %[[A]], %[[C]]
func.func @constants(%x: tensor<4xf32>) -> tensor<4xf32> {
  %m = compute.map (%x at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: f32):
    %one = arith.constant 1.0 : f32
    %two = arith.constant 2.0 : f32
    %three = arith.addf %one, %two : f32
    %p = arith.mulf %a, %three : f32
    compute.yield %p : f32
  }
  return %m : tensor<4xf32>
}
