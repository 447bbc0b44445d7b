// RUN: lt-opt %s --lt-form-groups -split-input-file | FileCheck %s

// A softmax over all places of volumes, which are channels of an image: its rows are read in
// row-major order, and all of it is one group.
// CHECK-LABEL: func @volumes
// CHECK: %[[C:.*]] = compute.fused contraction
// CHECK: %[[V:.*]] = access.read %[[C]] at <(d0, d1) -> (d0 * 32 + d1 floordiv 256, (d1 floordiv 16) mod 16, d1 mod 16)>
// CHECK: compute.fused rows(%[[V]]
// CHECK: compute.reduce max {{.*}} -> (d0, d2)>
// CHECK-NOT: compute.fused
// CHECK: return
func.func @volumes(%x: tensor<8x16x16xf32>, %w: tensor<8x640xf32>) -> tensor<20x8192xf32> {
  %c = compute.contract %x at #access.map<(d0, d1, d2, d3) -> (d3, d1, d2)>, %w at #access.map<(d0, d1, d2, d3) -> (d3, d0)> over affine_map<() -> (8)> : tensor<8x16x16xf32>, tensor<8x640xf32> -> tensor<640x16x16xf32>
  %max = compute.reduce max over affine_map<() -> (8192)> (%c at #access.map<(d0, d1, d2) -> (d0 * 32 + d2 floordiv 256, (d2 floordiv 16) mod 16, d2 mod 16)>)
      : (tensor<640x16x16xf32>) -> tensor<20x1xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  %e = compute.map (%c at #access.map<(d0, d1) -> (d0 * 32 + d1 floordiv 256, (d1 floordiv 16) mod 16, d1 mod 16)>, %max at #access.map<(d0, d1) -> (d0, 0)>)
      : (tensor<640x16x16xf32>, tensor<20x1xf32>) -> tensor<20x8192xf32> {
  ^bb0(%a: f32, %m: f32):
    %d = arith.subf %a, %m : f32
    %p = math.exp %d : f32
    compute.yield %p : f32
  }
  return %e : tensor<20x8192xf32>
}

// -----

// The normalisation of groups of channels goes back to the image's own dimensions: its order in
// memory stays.
// CHECK-LABEL: func @groups
// CHECK-NOT: access.read
// CHECK: return
func.func @groups(%x: tensor<8x16x16xf32>, %w: tensor<8x640xf32>) -> tensor<640x16x16xf32> {
  %c = compute.contract %x at #access.map<(d0, d1, d2, d3) -> (d3, d1, d2)>, %w at #access.map<(d0, d1, d2, d3) -> (d3, d0)> over affine_map<() -> (8)> : tensor<8x16x16xf32>, tensor<8x640xf32> -> tensor<640x16x16xf32>
  %sum = compute.reduce add over affine_map<() -> (8192)> (%c at #access.map<(d0, d1, d2) -> (d0 * 32 + d2 floordiv 256, (d2 floordiv 16) mod 16, d2 mod 16)>)
      : (tensor<640x16x16xf32>) -> tensor<20x1xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  %e = compute.map (%c at #access.map<(d0, d1) -> (d0 * 32 + d1 floordiv 256, (d1 floordiv 16) mod 16, d1 mod 16)>, %sum at #access.map<(d0, d1) -> (d0, 0)>)
      : (tensor<640x16x16xf32>, tensor<20x1xf32>) -> tensor<20x8192xf32> {
  ^bb0(%a: f32, %m: f32):
    %d = arith.divf %a, %m : f32
    compute.yield %d : f32
  }
  %back = compute.map (%e at #access.map<(d0, d1, d2) -> (d0 floordiv 32, (d0 mod 32) * 256 + d1 * 16 + d2)>)
      : (tensor<20x8192xf32>) -> tensor<640x16x16xf32> {
  ^bb0(%a: f32):
    %n = arith.negf %a : f32
    compute.yield %n : f32
  }
  return %back : tensor<640x16x16xf32>
}
