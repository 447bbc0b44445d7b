// RUN: lt-opt %s --lt-lower-concat -split-input-file | FileCheck %s

// Each piece is read where the position is in it.
// CHECK-LABEL: func @three
func.func @three(%a: tensor<2x3xf32>, %b: tensor<2x5xf32>, %c: tensor<2x1xf32>) -> tensor<2x9xf32> {
  // CHECK: compute.map (%arg0 at #access.map<(d0, d1) -> (d0, d1), valid (d0, d1) -> (d1) below (d0, d1) -> (3)> fill 0.000000e+00 : f32,
  // CHECK-SAME: %arg1 at #access.map<(d0, d1) -> (d0, d1 - 3), valid (d0, d1) -> (d1 - 3) below (d0, d1) -> (5)> fill 0.000000e+00 : f32,
  // CHECK-SAME: %arg2 at #access.map<(d0, d1) -> (d0, d1 - 8), valid (d0, d1) -> (d1 - 8) below (d0, d1) -> (1)>
  // CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %[[C:.*]]: f32):
  // CHECK: %[[I:.*]] = compute.index 1
  // CHECK: %[[END1:.*]] = arith.constant 8 : index
  // CHECK: %[[IN1:.*]] = arith.cmpi slt, %[[I]], %[[END1]]
  // CHECK: %[[BC:.*]] = arith.select %[[IN1]], %[[B]], %[[C]]
  // CHECK: %[[END0:.*]] = arith.constant 3 : index
  // CHECK: %[[IN0:.*]] = arith.cmpi slt, %[[I]], %[[END0]]
  // CHECK: %[[R:.*]] = arith.select %[[IN0]], %[[A]], %[[BC]]
  // CHECK: compute.yield %[[R]]
  %r = access.concat %a, %b, %c axis 1
      : (tensor<2x3xf32>, tensor<2x5xf32>, tensor<2x1xf32>) -> tensor<2x9xf32>
  return %r : tensor<2x9xf32>
}

// -----

// Pieces that are reads are composed; symbolic sizes and empty pieces.
// CHECK-LABEL: func @symbolic
func.func @symbolic(%a: tensor<3x?xi1, #extent.shape<()[s0] -> (3, s0)>>, %e: tensor<0x3xi1>, %b: tensor<4x3xi1>)
    -> tensor<?x3xi1, #extent.shape<()[s0] -> (s0 + 4, 3)>> {
  extent.symbol 0 "rows" = input 0 dim 1
  %t = access.read %a at <(d0, d1) -> (d1, d0)>
      : tensor<3x?xi1, #extent.shape<()[s0] -> (3, s0)>> -> tensor<?x3xi1, #extent.shape<()[s0] -> (s0, 3)>>
  // CHECK-NOT: access.read
  // CHECK: compute.map (%arg0 at #access.map<(d0, d1) -> (d1, d0), valid (d0, d1) -> (d0) below (d0, d1)[s0] -> (s0)> fill false,
  // CHECK-SAME: %arg2 at #access.map<(d0, d1)[s0] -> (d0 - s0, d1), valid (d0, d1)[s0] -> (d0 - s0) below (d0, d1) -> (4)>
  // CHECK: %[[END:.*]] = extent.size
  // CHECK: arith.cmpi slt, %{{.*}}, %[[END]]
  // CHECK-NOT: arith.cmpi
  %r = access.concat %t, %e, %b axis 0
      : (tensor<?x3xi1, #extent.shape<()[s0] -> (s0, 3)>>, tensor<0x3xi1>, tensor<4x3xi1>)
      -> tensor<?x3xi1, #extent.shape<()[s0] -> (s0 + 4, 3)>>
  return %r : tensor<?x3xi1, #extent.shape<()[s0] -> (s0 + 4, 3)>>
}
