// RUN: lt-opt %s --lt-form-groups=fuse=false | FileCheck %s

// Without fusion each operation is a group, and a contraction is a reduction like others.
// CHECK-LABEL: func @all_alone
// CHECK: compute.fused rows
// CHECK-NOT: compute.contract
// CHECK: compute.fused pointwise
// CHECK: compute.fused rows
// CHECK: compute.fused pointwise
func.func @all_alone(%x: tensor<8x16xf32>, %w: tensor<16x8xf32>) -> tensor<8xf32> {
  %c = compute.contract %x at #access.map<(d0, d1, d2) -> (d0, d2)>, %w at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (16)> : tensor<8x16xf32>, tensor<16x8xf32> -> tensor<8x8xf32>
  %s = compute.map (%c at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<8x8xf32>) -> tensor<8x8xf32> {
  ^bb0(%a: f32):
    %t = arith.negf %a : f32
    compute.yield %t : f32
  }
  %r = compute.reduce add over affine_map<() -> (8)> (%s at #access.map<(d0, d1) -> (d0, d1)>)
      : (tensor<8x8xf32>) -> tensor<8xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  %n = compute.map (%r at #access.map<(d0) -> (d0)>) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: f32):
    %t = arith.negf %a : f32
    compute.yield %t : f32
  }
  return %n : tensor<8xf32>
}
