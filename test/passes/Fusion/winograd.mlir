// RUN: lt-opt --lt-winograd -split-input-file %s | FileCheck %s

// A padded 3x3 convolution becomes transformations and 36 products of matrices.
// CHECK-LABEL: func.func @convolution
// CHECK: compute.reduce add {{.*}} -> tensor<6x64x64x3xf32>
// CHECK: compute.scale {{.*}} : tensor<6x3xf32> at 0, 4
// CHECK: compute.reduce add {{.*}} -> tensor<6x6x64x64xf32>
// Tiles of 13x14 results reach over the edge: what is not there counts as 0.
// CHECK: compute.reduce add {{.*}}valid {{.*}}(d2 * 4 + d6 - 1, d3 * 4 + d4 - 1) below {{.*}}(13, 14)> fill 0.0{{.*}} -> tensor<6x1x4x4x6x64xf32>
// CHECK: compute.scale {{.*}} : tensor<6x6xf32> at 0, 6
// CHECK: compute.reduce add {{.*}} -> tensor<6x6x1x4x4x64xf32>
// CHECK: compute.contract {{.*}} -> tensor<6x6x1x4x4x64xf32>
// CHECK: compute.reduce add {{.*}} -> tensor<4x6x1x4x4x64xf32>
// CHECK: compute.reduce add {{.*}}(d2 mod 4, d4{{.*}} -> tensor<1x64x13x14xf32>
// CHECK: compute.scale {{.*}} : tensor<4x6xf32> at 3, 4
func.func @convolution(%x: tensor<1x64x13x14xf32>) -> tensor<1x64x13x14xf32> {
  %w = graph.constant dense<1.0> : tensor<64x64x3x3xf32>
  %r = compute.contract %x at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d6, d2 + d4 - 1, d3 + d5 - 1),
        valid (d0, d1, d2, d3, d4, d5, d6) -> (d2 + d4 - 1, d3 + d5 - 1) below (d0, d1, d2, d3, d4, d5, d6) -> (13, 14)>,
      %w at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d6, d4, d5)>
      over affine_map<() -> (3, 3, 64)> : tensor<1x64x13x14xf32>, tensor<64x64x3x3xf32> -> tensor<1x64x13x14xf32>
  return %r : tensor<1x64x13x14xf32>
}

// -----

// A stride of 2, weights that are no constants, and few channels stay direct.
// CHECK-LABEL: func.func @stays
// CHECK-NOT: compute.reduce
// CHECK: return
func.func @stays(%x: tensor<1x64x29x29xf32>, %v: tensor<64x64x3x3xf32>, %y: tensor<1x3x16x16xf32>)
    -> (tensor<1x64x14x14xf32>, tensor<1x64x27x27xf32>, tensor<1x8x14x14xf32>) {
  %w = graph.constant dense<1.0> : tensor<64x64x3x3xf32>
  %u = graph.constant dense<1.0> : tensor<8x3x3x3xf32>
  %a = compute.contract %x at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d6, d2 * 2 + d4, d3 * 2 + d5)>,
      %w at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d6, d4, d5)>
      over affine_map<() -> (3, 3, 64)> : tensor<1x64x29x29xf32>, tensor<64x64x3x3xf32> -> tensor<1x64x14x14xf32>
  %b = compute.contract %x at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d6, d2 + d4, d3 + d5)>,
      %v at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d6, d4, d5)>
      over affine_map<() -> (3, 3, 64)> : tensor<1x64x29x29xf32>, tensor<64x64x3x3xf32> -> tensor<1x64x27x27xf32>
  %c = compute.contract %y at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d6, d2 + d4, d3 + d5)>,
      %u at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d6, d4, d5)>
      over affine_map<() -> (3, 3, 3)> : tensor<1x3x16x16xf32>, tensor<8x3x3x3xf32> -> tensor<1x8x14x14xf32>
  return %a, %b, %c : tensor<1x64x14x14xf32>, tensor<1x64x27x27xf32>, tensor<1x8x14x14xf32>
}
