// RUN: lt-opt --lt-choose-layouts --lt-pack-weights %s | FileCheck %s

// Of an image that a product of bytes reads, the channels, which that sums over, become neighbours,
// though its source lies otherwise; and four of them stand together in the weights.
// CHECK-LABEL: func.func @convolution
// CHECK: compute.fused pointwise(%arg0) {layouts = [array<i64: 0, 1, 2, 3>]}
// CHECK: compute.fused pointwise(%arg1) {label = "pack"
// CHECK: compute.contract {{.*}} -> (d0, d2 + d4, d3, d5)>, {{.*}} d5 floordiv 4, d1 mod 64, d5 mod 4)>
#kernel = affine_map<() -> (3, 8)>
module attributes {kernel.target = #kernel.target<"x86-64-v4+vnni", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @convolution(%x: tensor<1x8x14x12xui8>, %w: tensor<64x8x3xi8>) -> tensor<1x64x12x12xi32> {
    %i = compute.fused pointwise (%x) : (tensor<1x8x14x12xui8>) -> tensor<1x14x12x8xui8> {
    ^bb0(%a: tensor<1x8x14x12xui8>):
      %m = compute.map (%a at #access.map<(d0, d1, d2, d3) -> (d0, d3, d1, d2)>) : (tensor<1x8x14x12xui8>) -> tensor<1x14x12x8xui8> {
      ^bb0(%e: i8):
        compute.yield %e : i8
      }
      compute.yield %m : tensor<1x14x12x8xui8>
    }
    %r = compute.fused contraction (%i, %w) : (tensor<1x14x12x8xui8>, tensor<64x8x3xi8>) -> tensor<1x64x12x12xi32> {
    ^bb0(%a: tensor<1x14x12x8xui8>, %b: tensor<64x8x3xi8>):
      %c = compute.contract %a at #access.map<(d0, d1, d2, d3, d4, d5) -> (d0, d2 + d4, d3, d5)>, %b at #access.map<(d0, d1, d2, d3, d4, d5) -> (d1, d5, d4)> over #kernel : tensor<1x14x12x8xui8>, tensor<64x8x3xi8> -> tensor<1x64x12x12xi32>
      compute.yield %c : tensor<1x64x12x12xi32>
    }
    return %r : tensor<1x64x12x12xi32>
  }
}
