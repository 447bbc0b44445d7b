// RUN: lt-opt --lt-pack-weights -split-input-file %s | FileCheck %s

module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {

// The panels of a grouped convolution are those of its groups: 8 columns each, 4 input channels.
// CHECK-LABEL: func.func @groups
// CHECK: label = "pack"
// CHECK-SAME: (tensor<24x4xf32>) -> tensor<3x1x4x8xf32>
// CHECK: compute.contract
// CHECK-SAME: -> (d1 floordiv 8, (d1 mod 8) floordiv 8, d4, {{.*}}d1 mod 8
func.func @groups(%x: tensor<1x12x6x6xf32>) -> tensor<1x24x6x6xf32> {
  %w = graph.constant dense<1.0> : tensor<24x4xf32>
  %r = compute.fused contraction(%x, %w) {layouts = [array<i64: 0, 2, 3, 1>]} : (tensor<1x12x6x6xf32>, tensor<24x4xf32>) -> tensor<1x24x6x6xf32> {
  ^bb0(%a: tensor<1x12x6x6xf32>, %b: tensor<24x4xf32>):
    %c = compute.contract %a at #access.map<(d0, d1, d2, d3, d4) -> (d0, (d1 floordiv 8) * 4 + d4, d2, d3)>,
        %b at #access.map<(d0, d1, d2, d3, d4) -> (d1, d4)>
        over affine_map<() -> (4)> : tensor<1x12x6x6xf32>, tensor<24x4xf32> -> tensor<1x24x6x6xf32>
    compute.yield %c : tensor<1x24x6x6xf32>
  }
  return %r : tensor<1x24x6x6xf32>
}

// Four steps over bytes are neighbours, the last ones padded with zeros.
// CHECK-LABEL: func.func @bytes
// CHECK: label = "pack"
// CHECK-SAME: (tensor<30x16xi8>) -> tensor<1x8x16x4xi8>
// CHECK: compute.contract
// CHECK-SAME: -> (d1 floordiv 16, d2 floordiv 4, d1 mod 16, d2 mod 4)
func.func @bytes(%x: tensor<8x30xui8>) -> tensor<8x16xi32> {
  %w = graph.constant dense<1> : tensor<30x16xi8>
  %r = compute.fused contraction(%x, %w) {layouts = [array<i64: 0, 1>]} : (tensor<8x30xui8>, tensor<30x16xi8>) -> tensor<8x16xi32> {
  ^bb0(%a: tensor<8x30xui8>, %b: tensor<30x16xi8>):
    %c = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>,
        %b at #access.map<(d0, d1, d2) -> (d2, d1)>
        over affine_map<() -> (30)> : tensor<8x30xui8>, tensor<30x16xi8> -> tensor<8x16xi32>
    compute.yield %c : tensor<8x16xi32>
  }
  return %r : tensor<8x16xi32>
}

}
