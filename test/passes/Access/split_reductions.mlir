// RUN: lt-opt --lt-split-reductions -split-input-file %s | FileCheck %s

// Channels of two directions that a view merged are two dimensions again.
// CHECK: #[[$SIZES:.*]] = affine_map<()[s0] -> (s0, 2, 256)>
// CHECK-LABEL: func.func @whole
// CHECK: compute.reduce max over #[[$SIZES]]
// CHECK-SAME: #access.map<(d0, d1, d2) -> (d1, d0, d2)>
func.func @whole(%x: tensor<2x?x256xf32, #extent.shape<()[s0] -> (2, s0, 256)>>) -> tensor<f32> {
  %m = compute.reduce max over affine_map<()[s0] -> (s0, 512)>
      (%x at #access.map<(d0, d1) -> (d1 floordiv 256, d0, d1 mod 256)>)
      : (tensor<2x?x256xf32, #extent.shape<()[s0] -> (2, s0, 256)>>) -> tensor<f32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return %m : tensor<f32>
}

// -----

// Rows keep their dimensions: those of what is computed with them have to match.
// CHECK: #[[$ROW:.*]] = affine_map<() -> (512)>
// CHECK-LABEL: func.func @rows
// CHECK: compute.reduce add over #[[$ROW]]
func.func @rows(%x: tensor<2x8x256xf32>) -> tensor<8xf32> {
  %m = compute.reduce add over affine_map<() -> (512)>
      (%x at #access.map<(d0, d1) -> (d1 floordiv 256, d0, d1 mod 256)>)
      : (tensor<2x8x256xf32>) -> tensor<8xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return %m : tensor<8xf32>
}

// -----

// A dimension that is also used as a whole stays one.
// CHECK: #[[$LINE:.*]] = affine_map<() -> (512)>
// CHECK-LABEL: func.func @used
// CHECK: compute.reduce add over #[[$LINE]]
func.func @used(%x: tensor<2x256xf32>, %y: tensor<512xf32>) -> tensor<f32> {
  %m = compute.reduce add over affine_map<() -> (512)>
      (%x at #access.map<(d0) -> (d0 floordiv 256, d0 mod 256)>, %y at #access.map<(d0) -> (d0)>)
      : (tensor<2x256xf32>, tensor<512xf32>) -> tensor<f32> {
  ^bb0(%a: f32, %b: f32):
    %p = arith.mulf %a, %b : f32
    compute.yield %p : f32
  }
  return %m : tensor<f32>
}
