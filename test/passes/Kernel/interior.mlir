// RUN: lt-opt --lt-select-schedules --lt-lower-groups --canonicalize -split-input-file %s | FileCheck %s

// A row with a border is a loop with masks over both its ends, and one without over the rest.
// CHECK-LABEL: func.func @pad
// CHECK: scf.for
// CHECK: kernel.load %{{.*}} mask
// CHECK: kernel.store
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK: %[[V:.*]] = kernel.load %{{[a-z0-9]+}}[%{{[a-z0-9]+}}] : !kernel.buffer<f32> -> vector
// CHECK-NEXT: arith
// CHECK: kernel.store %[[V]]
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @pad(%x: tensor<100x1000xf32>) -> tensor<102x1002xf32> {
    %r = compute.fused pointwise (%x) : (tensor<100x1000xf32>) -> tensor<102x1002xf32> {
    ^bb0(%a: tensor<100x1000xf32>):
      %m = compute.map (%a at #access.map<(d0, d1) -> (d0 - 1, d1 - 1), valid (d0, d1) -> (d0 - 1, d1 - 1) below (d0, d1) -> (100, 1000)> fill 0.0 : f32) : (tensor<100x1000xf32>) -> tensor<102x1002xf32> {
      ^bb0(%v: f32):
        compute.yield %v : f32
      }
      compute.yield %m : tensor<102x1002xf32>
    }
    return %r : tensor<102x1002xf32>
  }
}

// -----

// A quotient and a remainder of the innermost index are two loops: nothing is divided for a lane.
// CHECK-LABEL: func.func @rows
// CHECK: func.func @{{.*}}!kernel.buffer<f32>
// CHECK-NOT: arith.floordivsi
// CHECK-NOT: arith.divui %{{.*}} : vector
// CHECK: kernel.load {{.*}} -> vector<16xf32>
// CHECK: return
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @rows(%x: tensor<8x64x64xf32>) -> tensor<8x3600xf32> {
    %r = compute.fused pointwise (%x) : (tensor<8x64x64xf32>) -> tensor<8x3600xf32> {
    ^bb0(%a: tensor<8x64x64xf32>):
      %m = compute.map (%a at #access.map<(d0, d1) -> (d0, d1 floordiv 60 + 2, d1 mod 60 + 2)>) : (tensor<8x64x64xf32>) -> tensor<8x3600xf32> {
      ^bb0(%v: f32):
        compute.yield %v : f32
      }
      compute.yield %m : tensor<8x3600xf32>
    }
    return %r : tensor<8x3600xf32>
  }
}
