// RUN: lt-opt --lt-compose-accesses --lt-form-groups %s | FileCheck %s

// A read that says that it is a reshape stays one where nothing but a reshape was behind it, and
// moves nothing: sizes alone do not say that n * 9 elements are as many as m * 3.
// CHECK-LABEL: func @reshapes
// CHECK: %[[R:.*]] = access.read {{.*}} {access.row_major}
// CHECK: compute.fused grid(%[[R]])
func.func @reshapes(%x: tensor<?x3xf32, #extent.shape<()[s0] -> (s0, 3)>>) -> tensor<4xf32> {
  extent.symbol 0 "m" = input 0 dim 0
  %a = access.read %x at <(d0, d1, d2)[s0] -> ((d0 * 9 + d1 * 3 + d2) floordiv 3, (d0 * 9 + d1 * 3 + d2) mod 3)> {access.row_major} : tensor<?x3xf32, #extent.shape<()[s0] -> (s0, 3)>> -> tensor<?x3x3xf32, #extent.shape<()[s0] -> (s0 floordiv 3, 3, 3)>>
  %b = access.read %a at <(d0, d1) -> (d0, d1 floordiv 3, d1 mod 3)> {access.row_major} : tensor<?x3x3xf32, #extent.shape<()[s0] -> (s0 floordiv 3, 3, 3)>> -> tensor<?x9xf32, #extent.shape<()[s0] -> (s0 floordiv 3, 9)>>
  %r = compute.grid over affine_map<() -> (4)> : tensor<4xf32> {
  ^bb0(%i: index, %to: !access.place<tensor<4xf32>>):
    %v = access.load %b[%i, %i] checked : tensor<?x9xf32, #extent.shape<()[s0] -> (s0 floordiv 3, 9)>> -> f32
    access.store %v, %to[%i] : f32, !access.place<tensor<4xf32>>
  }
  return %r : tensor<4xf32>
}

// What turns the elements over is none.
// CHECK-LABEL: func @behind_a_transposition
// CHECK-NOT: access.row_major
// CHECK: return
func.func @behind_a_transposition(%x: tensor<?x3xf32, #extent.shape<()[s0] -> (s0, 3)>>) -> tensor<4xf32> {
  extent.symbol 0 "m" = input 0 dim 0
  %a = access.read %x at <(d0, d1) -> (d1, d0)> : tensor<?x3xf32, #extent.shape<()[s0] -> (s0, 3)>> -> tensor<3x?xf32, #extent.shape<()[s0] -> (3, s0)>>
  %b = access.read %a at <(d0, d1)[s0] -> ((d0 * 9 + d1) floordiv s0, (d0 * 9 + d1) mod s0)> {access.row_major} : tensor<3x?xf32, #extent.shape<()[s0] -> (3, s0)>> -> tensor<?x9xf32, #extent.shape<()[s0] -> (s0 floordiv 3, 9)>>
  %r = compute.grid over affine_map<() -> (4)> : tensor<4xf32> {
  ^bb0(%i: index, %to: !access.place<tensor<4xf32>>):
    %v = access.load %b[%i, %i] checked : tensor<?x9xf32, #extent.shape<()[s0] -> (s0 floordiv 3, 9)>> -> f32
    access.store %v, %to[%i] : f32, !access.place<tensor<4xf32>>
  }
  return %r : tensor<4xf32>
}
