// RUN: lt-opt --lt-select-schedules --lt-lower-groups -split-input-file %s | FileCheck %s

// A grid is its region for each point of a tile: places become buffers, local arrays scratch, and
// what is checked raises.
// CHECK-LABEL: func.func @rows
// CHECK: kernel.dispatch @[[K:.*]](%{{.*}}) {{.*}}tiles
// CHECK: func.func @[[K]](%[[X:.*]]: !kernel.buffer<f32>, %[[Y:.*]]: !kernel.buffer<i64>, %[[TILE:.*]]: index)
// CHECK: %[[SCRATCH:.*]] = kernel.scratch
// CHECK: scf.for %[[POINT:.*]] =
// CHECK: scf.for %[[I:.*]] =
// CHECK: kernel.load %[[X]]
// CHECK: kernel.store
// CHECK: kernel.raise 1 if
// CHECK: scf.if %{{.*}} -> (f32) {
// CHECK: kernel.load %[[X]]
// CHECK: kernel.raise 3 if
// CHECK: kernel.store %{{.*}}, %[[Y]]
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @rows(%x: tensor<4x8xf32>) -> tensor<4xi64> {
    %r = compute.fused grid (%x) : (tensor<4x8xf32>) -> tensor<4xi64> {
    ^bb0(%a: tensor<4x8xf32>):
      %g = compute.grid over affine_map<() -> (4)> : tensor<4xi64> {
      ^bb0(%row: index, %out: !access.place<tensor<4xi64>>):
        %local = access.local : !access.place<tensor<8xf32>>
        %zero = arith.constant 0 : index
        %one = arith.constant 1 : index
        %eight = arith.constant 8 : index
        scf.for %i = %zero to %eight step %one {
          %v = access.load %a[%row, %i] : tensor<4x8xf32> -> f32
          access.store %v, %local[%i] : f32, !access.place<tensor<8xf32>>
        }
        %first = access.fetch %local[%zero] : !access.place<tensor<8xf32>> -> f32
        %n = arith.fptosi %first : f32 to i64
        %at = arith.index_cast %n : i64 to index
        %there = access.load %a[%row, %at] checked : tensor<4x8xf32> -> f32
        %known = arith.cmpf ord, %there, %there : f32
        compute.require %known, value
        access.store %n, %out[%row] : i64, !access.place<tensor<4xi64>>
      }
      compute.yield %g : tensor<4xi64>
    }
    return %r : tensor<4xi64>
  }
}

// -----

// Packed elements are written by one thread: one tile for all points.
// CHECK: #[[$ONE:.*]] = affine_map<() -> (1)>
// CHECK-LABEL: func.func @packed
// CHECK: kernel.dispatch @{{.*}} tiles #[[$ONE]]
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @packed(%x: tensor<5000xi4>) -> tensor<5000xi4> {
    %r = compute.fused grid (%x) : (tensor<5000xi4>) -> tensor<5000xi4> {
    ^bb0(%a: tensor<5000xi4>):
      %g = compute.grid over affine_map<() -> (5000)> : tensor<5000xi4> {
      ^bb0(%i: index, %out: !access.place<tensor<5000xi4>>):
        %v = access.load %a[%i] : tensor<5000xi4> -> i4
        access.store %v, %out[%i] : i4, !access.place<tensor<5000xi4>>
      }
      compute.yield %g : tensor<5000xi4>
    }
    return %r : tensor<5000xi4>
  }
}
