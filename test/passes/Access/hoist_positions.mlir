// RUN: lt-opt --lt-hoist-positions -canonicalize -cse -split-input-file %s | FileCheck %s

// Where each column of a resized image is read is computed once for all lines; the line's place
// stays, for it is computed once for a line as it is.
// CHECK-LABEL: func.func @resize
// CHECK: %[[AT:.*]] = compute.map () : () -> tensor<640xi64>
// CHECK: compute.index 0
// CHECK: arith.divui
// CHECK: compute.map (%[[AT]] at #access.map<(d0, d1) -> (d1)>) : (tensor<640xi64>) -> tensor<?x640xf32
// CHECK: compute.index 0
// CHECK: arith.divui
// CHECK: access.load {{.*}} {access.near}
#width = affine_map<()[s0] -> (480)>
func.func @resize(%x: tensor<320x480xf32>) -> tensor<?x640xf32, #extent.shape<()[s0] -> (s0, 640)>> {
  extent.symbol 0 "H" = input 0 dim 0
  %r = compute.map () : () -> tensor<?x640xf32, #extent.shape<()[s0] -> (s0, 640)>> {
    %i = compute.index 0
    %j = compute.index 1
    %n = arith.constant 480 : index
    %m = arith.constant 640 : index
    %ip = arith.muli %i, %n : index
    %ir = arith.divui %ip, %m : index
    %p = arith.muli %j, %n : index
    %at = arith.divui %p, %m : index
    %one = arith.constant 1 : index
    %last = arith.constant 479 : index
    %next = arith.addi %at, %one : index
    %right = arith.minsi %next, %last : index
    %v = access.load %x[%ir, %right] : tensor<320x480xf32> -> f32
    compute.yield %v : f32
  }
  return %r : tensor<?x640xf32, #extent.shape<()[s0] -> (s0, 640)>>
}

// -----

// A border: positions that follow each other are loads of neighbours as they are.
// CHECK-LABEL: func.func @border
// CHECK-COUNT-1: compute.map
// CHECK-NOT: compute.map
func.func @border(%x: tensor<320x480xf32>) -> tensor<320x482xf32> {
  %r = compute.map () : () -> tensor<320x482xf32> {
    %i = compute.index 0
    %j = compute.index 1
    %one = arith.constant 1 : index
    %zero = arith.constant 0 : index
    %last = arith.constant 479 : index
    %before = arith.subi %j, %one : index
    %low = arith.maxsi %before, %zero : index
    %at = arith.minsi %low, %last : index
    %v = access.load %x[%i, %at] : tensor<320x480xf32> -> f32
    compute.yield %v : f32
  }
  return %r : tensor<320x482xf32>
}

// -----

// Two lines do not pay for it.
// CHECK-LABEL: func.func @few
// CHECK-COUNT-1: compute.map
// CHECK-NOT: compute.map
func.func @few(%x: tensor<2x480xf32>) -> tensor<2x640xf32> {
  %r = compute.map () : () -> tensor<2x640xf32> {
    %i = compute.index 0
    %j = compute.index 1
    %n = arith.constant 480 : index
    %m = arith.constant 640 : index
    %p = arith.muli %j, %n : index
    %at = arith.divui %p, %m : index
    %v = access.load %x[%i, %at] : tensor<2x480xf32> -> f32
    compute.yield %v : f32
  }
  return %r : tensor<2x640xf32>
}
