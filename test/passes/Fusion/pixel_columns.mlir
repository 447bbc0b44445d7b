// RUN: lt-opt --lt-form-groups -split-input-file %s | FileCheck %s

// An image of 16 channels comes in and one of 24 leaves: the weights are the left operand, and all
// positions of the image are columns.
// CHECK-LABEL: func.func @image
// CHECK: %[[X:.*]] = access.read %arg0 at <(d0, d1, d2) -> (d0, d1, d2 floordiv 40, d2 mod 40)> : tensor<1x16x30x40xf32> -> tensor<1x16x1200xf32>
// CHECK: compute.fused contraction({{.*}}%[[X]]
// CHECK: compute.contract {{.*}} at #access.map<(d0, d1, d2, d3) -> (d1, d3)>, {{.*}} at #access.map<(d0, d1, d2, d3) -> (d0, d3, d2)> {{.*}} -> tensor<1x24x1200xf32>
// CHECK: compute.map
// CHECK: access.read {{.*}} at <(d0, d1, d2, d3) -> (d0, d1, d2 * 40 + d3)> : tensor<1x24x1200xf32> -> tensor<1x24x30x40xf32>
#depth = affine_map<() -> (16)>
func.func @image(%x: tensor<1x16x30x40xf32>) -> tensor<1x24x30x40xf32> {
  %w = graph.constant dense<1.0> : tensor<24x16xf32>
  %c = compute.contract %x at #access.map<(d0, d1, d2, d3, d4) -> (d0, d4, d2, d3)>,
      %w at #access.map<(d0, d1, d2, d3, d4) -> (d1, d4)>
      over #depth : tensor<1x16x30x40xf32>, tensor<24x16xf32> -> tensor<1x24x30x40xf32>
  %r = compute.map (%c at #access.map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>) : (tensor<1x24x30x40xf32>) -> tensor<1x24x30x40xf32> {
  ^bb0(%a: f32):
    %n = arith.negf %a : f32
    compute.yield %n : f32
  }
  return %r : tensor<1x24x30x40xf32>
}

// -----

// Something reads it by another order: the channels are columns.
// CHECK-LABEL: func.func @channels_last
// CHECK-NOT: access.read
// CHECK: compute.contract {{.*}} -> tensor<1x24x30x40xf32>
#depth = affine_map<() -> (16)>
func.func @channels_last(%x: tensor<1x16x30x40xf32>) -> tensor<1x30x40x24xf32> {
  %w = graph.constant dense<1.0> : tensor<24x16xf32>
  %c = compute.contract %x at #access.map<(d0, d1, d2, d3, d4) -> (d0, d4, d2, d3)>,
      %w at #access.map<(d0, d1, d2, d3, d4) -> (d1, d4)>
      over #depth : tensor<1x16x30x40xf32>, tensor<24x16xf32> -> tensor<1x24x30x40xf32>
  %r = compute.map (%c at #access.map<(d0, d1, d2, d3) -> (d0, d3, d1, d2)>) : (tensor<1x24x30x40xf32>) -> tensor<1x30x40x24xf32> {
  ^bb0(%a: f32):
    %n = arith.negf %a : f32
    compute.yield %n : f32
  }
  return %r : tensor<1x30x40x24xf32>
}
