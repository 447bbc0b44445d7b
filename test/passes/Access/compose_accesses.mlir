// RUN: lt-opt %s --lt-compose-accesses -split-input-file | FileCheck %s

// A chain of views becomes one access of the reader.
// CHECK-LABEL: func @chain
func.func @chain(%x: tensor<4x6xf32>) -> tensor<6x4xf32> {
  %t = access.read %x at <(d0, d1) -> (d1, d0)> : tensor<4x6xf32> -> tensor<6x4xf32>
  %f = access.read %t at <(d0) -> (d0 floordiv 4, d0 mod 4)> : tensor<6x4xf32> -> tensor<24xf32>
  %u = access.read %f at <(d0, d1) -> (d0 * 4 + d1)> : tensor<24xf32> -> tensor<6x4xf32>
  // CHECK: compute.map (%{{.*}} at #access.map<(d0, d1) -> (d1, d0)>) : (tensor<4x6xf32>)
  // CHECK-NOT: access.read
  %r = compute.map (%u at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<6x4xf32>) -> tensor<6x4xf32> {
  ^bb0(%a: f32):
    %n = arith.negf %a : f32
    compute.yield %n : f32
  }
  return %r : tensor<6x4xf32>
}

// -----

// Sizes may be symbols: heads of an attention, split and moved.
// CHECK-LABEL: func @heads
func.func @heads(%x: tensor<?x?x768xf32, #extent.shape<()[s0, s1] -> (s0, s1, 768)>>,
                 %k: tensor<?x?x768xf32, #extent.shape<()[s0, s1] -> (s0, s1, 768)>>)
    -> tensor<?x12x?x?xf32, #extent.shape<()[s0, s1] -> (s0, 12, s1, s1)>> {
  extent.symbol 0 "batch" = input 0 dim 0 min 1
  extent.symbol 1 "sequence" = input 0 dim 1 min 1
  %a = access.read %x at <(d0, d1, d2, d3) -> (d0, d1, d2 * 64 + d3)>
      : tensor<?x?x768xf32, #extent.shape<()[s0, s1] -> (s0, s1, 768)>>
      -> tensor<?x?x12x64xf32, #extent.shape<()[s0, s1] -> (s0, s1, 12, 64)>>
  %q = access.read %a at <(d0, d1, d2, d3) -> (d0, d2, d1, d3)>
      : tensor<?x?x12x64xf32, #extent.shape<()[s0, s1] -> (s0, s1, 12, 64)>>
      -> tensor<?x12x?x64xf32, #extent.shape<()[s0, s1] -> (s0, 12, s1, 64)>>
  // CHECK: compute.contract %{{.*}} at #access.map<(d0, d1, d2, d3, d4) -> (d0, d2, d1 * 64 + d4)>
  // CHECK-SAME: #access.map<(d0, d1, d2, d3, d4) -> (d0, d3, d1 * 64 + d4)>
  %s = compute.contract %q at #access.map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>,
      %k at #access.map<(d0, d1, d2, d3, d4) -> (d0, d3, d1 * 64 + d4)> over affine_map<() -> (64)>
      : tensor<?x12x?x64xf32, #extent.shape<()[s0, s1] -> (s0, 12, s1, 64)>>,
        tensor<?x?x768xf32, #extent.shape<()[s0, s1] -> (s0, s1, 768)>>
      -> tensor<?x12x?x?xf32, #extent.shape<()[s0, s1] -> (s0, 12, s1, s1)>>
  return %s : tensor<?x12x?x?xf32, #extent.shape<()[s0, s1] -> (s0, 12, s1, s1)>>
}

// -----

// Conditions come along with their fill, into maps and reductions.
// CHECK-LABEL: func @pad
func.func @pad(%x: tensor<8xf32>) -> tensor<8xf32> {
  %p = access.read %x at <(d0) -> (d0 - 1), valid (d0) -> (d0 - 1) below (d0) -> (8)>
      fill 1.0 : f32 : tensor<8xf32> -> tensor<10xf32>
  // CHECK: compute.reduce max
  // CHECK-SAME: at #access.map<(d0, d1) -> (d0 + d1 - 1), valid (d0, d1) -> (d0 + d1 - 1) below (d0, d1) -> (8)> fill 1.000000e+00 : f32
  %m = compute.reduce max over affine_map<() -> (3)> (%p at #access.map<(d0, d1) -> (d0 + d1)>)
      : (tensor<10xf32>) -> tensor<8xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return %m : tensor<8xf32>
}

// -----

// Two pads with one fill merge; with different fills the inner one stays.
// CHECK-LABEL: func @two_pads
func.func @two_pads(%x: tensor<8xf32>) -> (tensor<12xf32>, tensor<12xf32>) {
  %a = access.read %x at <(d0) -> (d0 - 1), valid (d0) -> (d0 - 1) below (d0) -> (8)>
      fill 0.0 : f32 : tensor<8xf32> -> tensor<10xf32>
  // CHECK: %[[INNER:.*]] = access.read %arg0
  // CHECK: access.read %arg0 at <(d0) -> (d0 - 2), valid (d0) -> (d0 - 2) below (d0) -> (8)> fill 0.000000e+00
  %b = access.read %a at <(d0) -> (d0 - 1), valid (d0) -> (d0 - 1) below (d0) -> (10)>
      fill 0.0 : f32 : tensor<10xf32> -> tensor<12xf32>
  // CHECK: access.read %[[INNER]] at <(d0) -> (d0 - 1), valid (d0) -> (d0 - 1) below (d0) -> (10)> fill 1.000000e+00
  %c = access.read %a at <(d0) -> (d0 - 1), valid (d0) -> (d0 - 1) below (d0) -> (10)>
      fill 1.0 : f32 : tensor<10xf32> -> tensor<12xf32>
  return %b, %c : tensor<12xf32>, tensor<12xf32>
}

// -----

// A contraction takes no other fill than 0.
// CHECK-LABEL: func @contract_fill
func.func @contract_fill(%x: tensor<8x4xf32>, %w: tensor<4x5xf32>) -> (tensor<9x5xf32>, tensor<9x5xf32>) {
  %z = access.read %x at <(d0, d1) -> (d0 - 1, d1), valid (d0, d1) -> (d0 - 1) below (d0, d1) -> (8)>
      fill 0.0 : f32 : tensor<8x4xf32> -> tensor<9x4xf32>
  // CHECK: %[[ONES:.*]] = access.read
  %o = access.read %x at <(d0, d1) -> (d0 - 1, d1), valid (d0, d1) -> (d0 - 1) below (d0, d1) -> (8)>
      fill 1.0 : f32 : tensor<8x4xf32> -> tensor<9x4xf32>
  // CHECK: compute.contract %arg0 at #access.map<(d0, d1, d2) -> (d0 - 1, d2), valid (d0, d1, d2) -> (d0 - 1) below (d0, d1, d2) -> (8)>
  %a = compute.contract %z at #access.map<(d0, d1, d2) -> (d0, d2)>, %w at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (4)> : tensor<9x4xf32>, tensor<4x5xf32> -> tensor<9x5xf32>
  // CHECK: compute.contract %[[ONES]] at #access.map<(d0, d1, d2) -> (d0, d2)>
  %b = compute.contract %o at #access.map<(d0, d1, d2) -> (d0, d2)>, %w at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (4)> : tensor<9x4xf32>, tensor<4x5xf32> -> tensor<9x5xf32>
  return %a, %b : tensor<9x5xf32>, tensor<9x5xf32>
}

// -----

// What pads and crops again is not there.
// CHECK-LABEL: func @pad_and_crop
// CHECK-NEXT: return %arg0
func.func @pad_and_crop(%x: tensor<8xf32>) -> tensor<8xf32> {
  %p = access.read %x at <(d0) -> (d0 - 2), valid (d0) -> (d0 - 2) below (d0) -> (8)>
      fill 1.0 : f32 : tensor<8xf32> -> tensor<12xf32>
  %c = access.read %p at <(d0) -> (d0 + 2)> : tensor<12xf32> -> tensor<8xf32>
  return %c : tensor<8xf32>
}

// -----

// A read of one piece of a concatenation reads the piece.
// CHECK-LABEL: func @split_of_concat
func.func @split_of_concat(%a: tensor<2x3xf32>, %b: tensor<2x5xf32>) -> (tensor<2x5xf32>, tensor<2x4xf32>) {
  %c = access.concat %a, %b axis 1 : (tensor<2x3xf32>, tensor<2x5xf32>) -> tensor<2x8xf32>
  %s = access.read %c at <(d0, d1) -> (d0, d1 + 3)> : tensor<2x8xf32> -> tensor<2x5xf32>
  // CHECK: %[[C:.*]] = access.concat
  // CHECK: %[[R:.*]] = access.read %[[C]] at <(d0, d1) -> (d0, d1 + 1)>
  %r = access.read %c at <(d0, d1) -> (d0, d1 + 1)> : tensor<2x8xf32> -> tensor<2x4xf32>
  // CHECK: return %arg1, %[[R]]
  return %s, %r : tensor<2x5xf32>, tensor<2x4xf32>
}

// -----

// Maps that copy are reads; operands that read the same are one; unused ones go.
// CHECK-LABEL: func @copies
func.func @copies(%x: tensor<4x6xf32>, %y: tensor<6xf32>) -> tensor<6xf32> {
  %c = compute.map (%x at #access.map<(d0) -> (0, d0)>) : (tensor<4x6xf32>) -> tensor<6xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  // CHECK: compute.map (%arg0 at #access.map<(d0) -> (0, d0)>) : (tensor<4x6xf32>) -> tensor<6xf32>
  // CHECK-NEXT: ^bb0(%[[A:.*]]: f32):
  // CHECK-NEXT: arith.mulf %[[A]], %[[A]]
  %m = compute.map (%c at #access.map<(d0) -> (d0)>, %x at #access.map<(d0) -> (0, d0)>, %y at #access.map<(d0) -> (d0)>)
      : (tensor<6xf32>, tensor<4x6xf32>, tensor<6xf32>) -> tensor<6xf32> {
  ^bb0(%a: f32, %b: f32, %d: f32):
    %p = arith.mulf %a, %b : f32
    compute.yield %p : f32
  }
  return %m : tensor<6xf32>
}

// -----

// A change of sign of integers is no copy.
// CHECK-LABEL: func @sign
// CHECK: compute.map
func.func @sign(%x: tensor<6xui8>) -> tensor<6xi8> {
  %c = compute.map (%x at #access.map<(d0) -> (d0)>) : (tensor<6xui8>) -> tensor<6xi8> {
  ^bb0(%a: i8):
    compute.yield %a : i8
  }
  return %c : tensor<6xi8>
}

// -----

// Indices of a load that are certain to be inside move to the source.
// CHECK-LABEL: func @load
func.func @load(%t: tensor<24xf32>, %i: tensor<5xindex>) -> tensor<5xf32> {
  %r = access.read %t at <(d0, d1) -> (d0 * 6 + d1)> : tensor<24xf32> -> tensor<4x6xf32>
  %g = compute.map (%i at #access.map<(d0) -> (d0)>) : (tensor<5xindex>) -> tensor<5xf32> {
  ^bb0(%row: index):
    %two = arith.constant 2 : index
    // CHECK: %[[SIX:.*]] = arith.constant 6 : index
    // CHECK: %[[ROW:.*]] = arith.muli %{{.*}}, %[[SIX]]
    // CHECK: %[[AT:.*]] = arith.addi %[[ROW]], %{{.*}}
    // CHECK: access.load %arg0[%[[AT]]] : tensor<24xf32>
    %v = access.load %r[%row, %two] : tensor<4x6xf32> -> f32
    compute.yield %v : f32
  }
  return %g : tensor<5xf32>
}

// -----

// The check of a load is against the bounds of what it names: through a transposition they are the
// same, through a reshape they are not.
// CHECK-LABEL: func @checked_load
func.func @checked_load(%t: tensor<6x4xf32>, %i: tensor<5xindex>) -> tensor<5xf32> {
  %a = access.read %t at <(d0, d1) -> (d1, d0)> : tensor<6x4xf32> -> tensor<4x6xf32>
  // CHECK: %[[FLAT:.*]] = access.read
  %b = access.read %t at <(d0) -> (d0 floordiv 4, d0 mod 4)> : tensor<6x4xf32> -> tensor<24xf32>
  %g = compute.map (%i at #access.map<(d0) -> (d0)>) : (tensor<5xindex>) -> tensor<5xf32> {
  ^bb0(%row: index):
    %two = arith.constant 2 : index
    // CHECK: access.load %arg0[%c2, %[[ROW:.*]]] checked : tensor<6x4xf32>
    %v = access.load %a[%row, %two] checked : tensor<4x6xf32> -> f32
    // CHECK: access.load %[[FLAT]][%[[ROW]]] checked : tensor<24xf32>
    %w = access.load %b[%row] checked : tensor<24xf32> -> f32
    %s = arith.addf %v, %w : f32
    compute.yield %s : f32
  }
  return %g : tensor<5xf32>
}

// -----

// A symbol bound to an element of a read is bound to the source's element.
// CHECK-LABEL: func @bind
// CHECK-NEXT: extent.bind 0 = %arg0[5]
func.func @bind(%t: tensor<6xi64>) {
  %r = access.read %t at <(d0, d1) -> (d0 * 3 + d1)> : tensor<6xi64> -> tensor<2x3xi64>
  extent.bind 0 = %r[5] : tensor<2x3xi64>
  return
}

// -----

// With several uses a read is composed into each; what nobody reads goes.
// CHECK-LABEL: func @uses
// CHECK-NOT: access.read
// CHECK: compute.map (%arg0 at #access.map<(d0) -> (-d0 + 5)>)
// CHECK: compute.map (%arg0 at #access.map<(d0) -> (d0)>)
func.func @uses(%x: tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>) {
  %f = access.read %x at <(d0) -> (5 - d0)> : tensor<6xf32> -> tensor<6xf32>
  %a = compute.map (%f at #access.map<(d0) -> (d0)>) : (tensor<6xf32>) -> tensor<6xf32> {
  ^bb0(%v: f32):
    %n = arith.negf %v : f32
    compute.yield %n : f32
  }
  %b = compute.map (%f at #access.map<(d0) -> (5 - d0)>) : (tensor<6xf32>) -> tensor<6xf32> {
  ^bb0(%v: f32):
    %n = arith.negf %v : f32
    compute.yield %n : f32
  }
  return %a, %b : tensor<6xf32>, tensor<6xf32>
}
