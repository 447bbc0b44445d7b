// RUN: lt-opt %s | lt-opt | FileCheck %s
// RUN: lt-opt %s --mlir-print-op-generic | lt-opt | FileCheck %s

// CHECK-LABEL: func @reads
func.func @reads(%x: tensor<3x4xf32>, %y: tensor<?xi1, #extent.shape<()[s0] -> (s0)>>, %u: tensor<4xui8>) {
  extent.symbol 0 "n" = input 1 dim 0
  // CHECK: access.read %arg0 at <(d0, d1) -> (d1, d0)> : tensor<3x4xf32> -> tensor<4x3xf32>
  %t = access.read %x at <(d0, d1) -> (d1, d0)> : tensor<3x4xf32> -> tensor<4x3xf32>
  // CHECK: access.read %arg1 at <(d0) -> (d0 - 1), valid (d0) -> (d0 - 1) below (d0)[s0] -> (s0)> fill false
  %p = access.read %y at <(d0) -> (d0 - 1), valid (d0) -> (d0 - 1) below (d0)[s0] -> (s0)> fill false
      : tensor<?xi1, #extent.shape<()[s0] -> (s0)>> -> tensor<?xi1, #extent.shape<()[s0] -> (s0 + 2)>>
  // A fill has no sign, like the elements that regions see.
  // CHECK: fill 7 : i8 : tensor<4xui8> -> tensor<5xui8>
  %q = access.read %u at <(d0) -> (d0), valid (d0) -> (d0) below (d0) -> (4)> fill 7 : i8
      : tensor<4xui8> -> tensor<5xui8>
  return
}

// CHECK-LABEL: func @loads
func.func @loads(%t: tensor<100x8xui8>, %i: tensor<5xindex>) -> tensor<5xui8> {
  %g = compute.map (%i at #access.map<(d0) -> (d0)>) : (tensor<5xindex>) -> tensor<5xui8> {
  ^bb0(%row: index):
    // CHECK: access.load %arg0[%{{.*}}, %{{.*}}] checked : tensor<100x8xui8> -> i8
    %v = access.load %t[%row, %row] checked : tensor<100x8xui8> -> i8
    // CHECK: access.load %arg0[%{{.*}}, %{{.*}}] : tensor<100x8xui8> -> i8
    %w = access.load %t[%row, %row] : tensor<100x8xui8> -> i8
    %s = arith.addi %v, %w : i8
    compute.yield %s : i8
  }
  return %g : tensor<5xui8>
}

// CHECK-LABEL: func @concat
func.func @concat(%a: tensor<2x3xf32>, %b: tensor<2x?xf32, #extent.shape<()[s0] -> (2, s0)>>) {
  extent.symbol 0 "n" = input 1 dim 1
  // CHECK: access.concat %arg0, %arg1 axis 1
  %c = access.concat %a, %b axis 1
      : (tensor<2x3xf32>, tensor<2x?xf32, #extent.shape<()[s0] -> (2, s0)>>)
      -> tensor<2x?xf32, #extent.shape<()[s0] -> (2, s0 + 3)>>
  return
}

// CHECK-LABEL: func @places
func.func @places(%x: tensor<4x8xui8>) -> tensor<4x8xui8> {
  %r = compute.grid over affine_map<() -> (4)> : tensor<4x8xui8> {
  ^bb0(%row: index, %out: !access.place<tensor<4x8xui8>>):
    // CHECK: %[[LOCAL:.*]] = access.local : !access.place<tensor<8xf16>>
    %local = access.local : !access.place<tensor<8xf16>>
    // CHECK: %[[ONE:.*]] = access.local : !access.place<tensor<f32>>
    %one = access.local : !access.place<tensor<f32>>
    %half = arith.constant 0.5 : f16
    %f = arith.constant 1.0 : f32
    // CHECK: access.store %{{.*}}, %[[LOCAL]][%{{.*}}] : f16, !access.place<tensor<8xf16>>
    access.store %half, %local[%row] : f16, !access.place<tensor<8xf16>>
    // CHECK: access.store %{{.*}}, %[[ONE]][] : f32, !access.place<tensor<f32>>
    access.store %f, %one[] : f32, !access.place<tensor<f32>>
    // CHECK: access.fetch %[[LOCAL]][%{{.*}}] : !access.place<tensor<8xf16>> -> f16
    %back = access.fetch %local[%row] : !access.place<tensor<8xf16>> -> f16
    // Elements have no sign in a region.
    // CHECK: access.store %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}] : i8, !access.place<tensor<4x8xui8>>
    %v = access.load %x[%row, %row] : tensor<4x8xui8> -> i8
    access.store %v, %out[%row, %row] : i8, !access.place<tensor<4x8xui8>>
  }
  return %r : tensor<4x8xui8>
}
