// RUN: lt-opt --lt-select-schedules --lt-lower-groups -split-input-file %s | FileCheck %s

// Every second element: two loads of neighbours, of which the second ends at the last element that
// is needed. The rest of a row takes masks, shuffled to where the elements lie.
// CHECK-LABEL: func.func @k0
// CHECK-NOT: kernel.gather
// CHECK: %[[A:.*]] = kernel.load %{{.*}} : !kernel.buffer<f32> -> vector<16xf32>
// CHECK: %[[HALF:.*]] = vector.shuffle %[[A]], %[[A]] [0, 2, 4, 6, 8, 10, 12, 14
// CHECK: %[[B:.*]] = kernel.load %{{.*}} : !kernel.buffer<f32> -> vector<16xf32>
// CHECK: vector.shuffle %[[HALF]], %[[B]] [0, 1, 2, 3, 4, 5, 6, 7, 17, 19, 21, 23, 25, 27, 29, 31]
// CHECK: %[[MASK:.*]] = vector.create_mask
// CHECK: %[[FIRST:.*]] = vector.shuffle %[[MASK]], %{{.*}} [0, 16, 1, 16, 2, 16, 3, 16, 4, 16, 5, 16, 6, 16, 7, 16]
// CHECK: kernel.load %{{.*}} mask %[[FIRST]]
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @every_second(%x: tensor<8x100xf32>) -> tensor<8x50xf32> {
    %r = compute.fused pointwise (%x) : (tensor<8x100xf32>) -> tensor<8x50xf32> {
    ^bb0(%a: tensor<8x100xf32>):
      %m = compute.map (%a at #access.map<(d0, d1) -> (d0, d1 * 2)>) : (tensor<8x100xf32>) -> tensor<8x50xf32> {
      ^bb0(%v: f32):
        %n = arith.negf %v : f32
        compute.yield %n : f32
      }
      compute.yield %m : tensor<8x50xf32>
    }
    return %r : tensor<8x50xf32>
  }
}

// -----

// In reverse: one load, whose lanes change places. Without masked loads the rest is gathered.
// CHECK-LABEL: func.func @k0
// CHECK: %[[A:.*]] = kernel.load %{{.*}} : !kernel.buffer<f32> -> vector<4xf32>
// CHECK: vector.shuffle %[[A]], %[[A]] [3, 2, 1, 0]
// CHECK: kernel.gather {{.*}} mask
module attributes {kernel.target = #kernel.target<"aarch64", vector_bytes = 16, registers = 32, masks = false, l1 = 32768, l2 = 524288>} {
  func.func @reversed(%x: tensor<8x50xf32>) -> tensor<8x50xf32> {
    %r = compute.fused pointwise (%x) {schedule = #kernel.schedule<lanes = 4, rows = 1, vectors = 1, unroll = 1, grain = 64, panels = 1, depth = 0>} : (tensor<8x50xf32>) -> tensor<8x50xf32> {
    ^bb0(%a: tensor<8x50xf32>):
      %m = compute.map (%a at #access.map<(d0, d1) -> (d0, 49 - d1)>) : (tensor<8x50xf32>) -> tensor<8x50xf32> {
      ^bb0(%v: f32):
        %n = arith.negf %v : f32
        compute.yield %n : f32
      }
      compute.yield %m : tensor<8x50xf32>
    }
    return %r : tensor<8x50xf32>
  }
}

// -----

// Vectors along the border's dimension: the first and the last lane say whether all windows are
// whole, and only others are masked.
// CHECK-LABEL: func.func @k0
// CHECK: arith.cmpi sge
// CHECK: arith.cmpi slt
// CHECK: scf.if {{.*}} -> (vector<16xf32>
// CHECK-NOT: mask
// CHECK: } else {
// CHECK: kernel.load {{.*}} mask
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @window(%x: tensor<16x112x112xf32>) -> tensor<16x56x56xf32> {
    %r = compute.fused window (%x) : (tensor<16x112x112xf32>) -> tensor<16x56x56xf32> {
    ^bb0(%a: tensor<16x112x112xf32>):
      %m = compute.reduce max over affine_map<() -> (3, 3)> (%a at #access.map<(d0, d1, d2, d3, d4) -> (d0, d1 * 2 + d3 - 1, d2 * 2 + d4 - 1), valid (d0, d1, d2, d3, d4) -> (d1 * 2 + d3 - 1, d2 * 2 + d4 - 1) below (d0, d1, d2, d3, d4) -> (112, 112)> fill 0xFF800000 : f32) : (tensor<16x112x112xf32>) -> tensor<16x56x56xf32> {
      ^bb0(%v: f32):
        compute.yield %v : f32
      }
      compute.yield %m : tensor<16x56x56xf32>
    }
    return %r : tensor<16x56x56xf32>
  }
}
