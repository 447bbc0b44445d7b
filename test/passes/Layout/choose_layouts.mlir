// RUN: lt-opt --lt-choose-layouts --lt-pack-weights -split-input-file %s | FileCheck %s

// A convolution's channels are innermost; what leaves the function is row-major, by a copy.
// CHECK-LABEL: func.func @convolution
// CHECK: %[[PACKED:.*]] = compute.fused pointwise(%{{.*}}) {label = "pack"
// CHECK-SAME: (tensor<40x8x3x3xf32>) -> tensor<1x3x3x8x48xf32>
// CHECK: %[[CONV:.*]] = compute.fused contraction(%{{.*}}, %[[PACKED]])
// CHECK-SAME: layouts = [array<i64: 0, 2, 3, 1>]
// CHECK: compute.fused pointwise(%[[CONV]])
// CHECK-SAME: layouts = [array<i64: 0, 1, 2, 3>]
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @convolution(%x: tensor<1x8x16x16xf32>) -> tensor<1x40x14x14xf32> {
    %w = graph.constant dense<1.0> : tensor<40x8x3x3xf32>
    %r = compute.fused contraction (%x, %w) : (tensor<1x8x16x16xf32>, tensor<40x8x3x3xf32>) -> tensor<1x40x14x14xf32> {
    ^bb0(%a: tensor<1x8x16x16xf32>, %b: tensor<40x8x3x3xf32>):
      %s = compute.contract %a at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d6, d2 + d4, d3 + d5)>,
          %b at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d6, d4, d5)>
          over affine_map<() -> (3, 3, 8)> : tensor<1x8x16x16xf32>, tensor<40x8x3x3xf32> -> tensor<1x40x14x14xf32>
      compute.yield %s : tensor<1x40x14x14xf32>
    }
    return %r : tensor<1x40x14x14xf32>
  }
}

// -----

// A right operand that is computed and whose columns are neighbours already stays where it is.
// CHECK-LABEL: func.func @columns_are_neighbours
// CHECK-NOT: label = "pack"
// CHECK: return
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @columns_are_neighbours(%x: tensor<64x32xf32>, %w: tensor<32x16xf32>) -> tensor<64x16xf32> {
    %r = compute.fused contraction (%x, %w) : (tensor<64x32xf32>, tensor<32x16xf32>) -> tensor<64x16xf32> {
    ^bb0(%a: tensor<64x32xf32>, %b: tensor<32x16xf32>):
      %s = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>, %b at #access.map<(d0, d1, d2) -> (d2, d1)>
          over affine_map<() -> (32)> : tensor<64x32xf32>, tensor<32x16xf32> -> tensor<64x16xf32>
      compute.yield %s : tensor<64x16xf32>
    }
    return %r : tensor<64x16xf32>
  }
}

// -----

// Of the dimensions that a row-major input lacks the last stays last: its readers want it there.
// CHECK-LABEL: func.func @broadcast
// CHECK: compute.fused pointwise(%arg0) {layouts = [array<i64: 0, 1, 2>]}
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @broadcast(%x: tensor<8x64xf32>, %y: tensor<8x64x64xf32>) -> tensor<8x64xf32> {
    %e = compute.fused pointwise (%x) : (tensor<8x64xf32>) -> tensor<8x64x64xf32> {
    ^bb0(%a: tensor<8x64xf32>):
      %m = compute.map (%a at #access.map<(d0, d1, d2) -> (d0, d1)>, %a at #access.map<(d0, d1, d2) -> (d0, d2)>) : (tensor<8x64xf32>, tensor<8x64xf32>) -> tensor<8x64x64xf32> {
      ^bb0(%p: f32, %q: f32):
        %s = arith.subf %p, %q : f32
        compute.yield %s : f32
      }
      compute.yield %m : tensor<8x64x64xf32>
    }
    %r = compute.fused rows (%e, %y) : (tensor<8x64x64xf32>, tensor<8x64x64xf32>) -> tensor<8x64xf32> {
    ^bb0(%a: tensor<8x64x64xf32>, %b: tensor<8x64x64xf32>):
      %s = compute.reduce add over affine_map<() -> (64)>
          (%a at #access.map<(d0, d1, d2) -> (d0, d1, d2)>, %b at #access.map<(d0, d1, d2) -> (d0, d1, d2)>)
          : (tensor<8x64x64xf32>, tensor<8x64x64xf32>) -> tensor<8x64xf32> {
      ^bb0(%p: f32, %q: f32):
        %m = arith.mulf %p, %q : f32
        compute.yield %m : f32
      }
      compute.yield %s : tensor<8x64xf32>
    }
    return %r : tensor<8x64xf32>
  }
}
