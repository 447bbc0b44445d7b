// RUN: lt-opt --lt-transpose-constants -split-input-file %s | FileCheck %s

// The weights of a depthwise convolution whose channels are innermost: channels go last.
// CHECK-LABEL: func.func @depthwise
// CHECK: %[[W:.*]] = compute.fused pointwise(%{{.*}}) {label = "transpose"
// CHECK-SAME: (tensor<32x1x3x3xf32>) -> tensor<1x3x3x32xf32>
// CHECK: compute.fused window(%arg0, %[[W]])
// CHECK: %{{.*}} at #access.map<(d0, d1, d2, d3, d4, d5) -> (0, d4, d5, d1)>
func.func @depthwise(%x: tensor<1x32x8x8xf32>) -> tensor<1x32x6x6xf32> {
  %w = graph.constant dense<1.0> : tensor<32x1x3x3xf32>
  %r = compute.fused window (%x, %w) {layouts = [array<i64: 0, 2, 3, 1>]} : (tensor<1x32x8x8xf32>, tensor<32x1x3x3xf32>) -> tensor<1x32x6x6xf32> {
  ^bb0(%a: tensor<1x32x8x8xf32>, %b: tensor<32x1x3x3xf32>):
    %s = compute.reduce add over affine_map<() -> (3, 3)> (
        %a at #access.map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 + d5)>,
        %b at #access.map<(d0, d1, d2, d3, d4, d5) -> (d1, 0, d4, d5)>)
        : (tensor<1x32x8x8xf32>, tensor<32x1x3x3xf32>) -> tensor<1x32x6x6xf32> {
    ^bb0(%p: f32, %q: f32):
      %m = arith.mulf %p, %q : f32
      compute.yield %m : f32
    }
    compute.yield %s : tensor<1x32x6x6xf32>
  }
  return %r : tensor<1x32x6x6xf32>
}

// -----

// Lanes that are neighbours already, and tensors that are no constants, stay as they are.
// CHECK-LABEL: func.func @stays
// CHECK-NOT: label = "transpose"
// CHECK: return
func.func @stays(%x: tensor<4x8xf32>, %y: tensor<8x4xf32>) -> tensor<4x8xf32> {
  %w = graph.constant dense<1.0> : tensor<4x8xf32>
  %r = compute.fused pointwise (%x, %w, %y) {layouts = [array<i64: 0, 1>]} : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x8xf32> {
  ^bb0(%a: tensor<4x8xf32>, %b: tensor<4x8xf32>, %c: tensor<8x4xf32>):
    %s = compute.map (%a at #access.map<(d0, d1) -> (d0, d1)>, %b at #access.map<(d0, d1) -> (d0, d1)>,
        %c at #access.map<(d0, d1) -> (d1, d0)>) : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x8xf32> {
    ^bb0(%p: f32, %q: f32, %t: f32):
      %m = arith.mulf %p, %q : f32
      %n = arith.addf %m, %t : f32
      compute.yield %n : f32
    }
    compute.yield %s : tensor<4x8xf32>
  }
  return %r : tensor<4x8xf32>
}
