// RUN: lt-opt --lt-select-schedules --lt-lower-groups -split-input-file %s | FileCheck %s

// The row of a table that a point adds up is checked before the loop over its elements, which then
// works on vectors; a row that does not exist is a loop of its own.
// CHECK-LABEL: func.func @bag
// CHECK: scf.for
// CHECK: kernel.raise 1 if
// CHECK: scf.if
// CHECK: scf.for
// CHECK-NOT: scf.if
// CHECK-NOT: kernel.raise
// CHECK: kernel.load
// CHECK: kernel.store
// CHECK: } {kernel.vectorize}
// CHECK: } else {
// CHECK: } {kernel.vectorize}
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @bag(%x: tensor<100x64xf32>, %i: tensor<8xi64>) -> tensor<8x64xf32> {
    %r = compute.fused grid (%x, %i) : (tensor<100x64xf32>, tensor<8xi64>) -> tensor<8x64xf32> {
    ^bb0(%table: tensor<100x64xf32>, %index: tensor<8xi64>):
      %g = compute.grid over affine_map<() -> (8)> : tensor<8x64xf32> {
      ^bb0(%row: index, %out: !access.place<tensor<8x64xf32>>):
        %zero = arith.constant 0 : index
        %one = arith.constant 1 : index
        %width = arith.constant 64 : index
        %n = access.load %index[%row] : tensor<8xi64> -> i64
        %from = arith.index_cast %n : i64 to index
        scf.for %k = %zero to %width step %one {
          %v = access.load %table[%from, %k] checked : tensor<100x64xf32> -> f32
          %w = access.fetch %out[%row, %k] : !access.place<tensor<8x64xf32>> -> f32
          %sum = arith.addf %v, %w : f32
          access.store %sum, %out[%row, %k] : f32, !access.place<tensor<8x64xf32>>
        }
      }
      compute.yield %g : tensor<8x64xf32>
    }
    return %r : tensor<8x64xf32>
  }
}

// -----

// The sum over a grid's points may be taken in lanes, a sequential one may not.
// CHECK-LABEL: func.func @sums
// CHECK: arith.addf %{{.*}}, %{{.*}} fastmath<reassoc> : f32
// CHECK: } {kernel.vectorize}
// CHECK: arith.addf %{{.*}}, %{{.*}} : f32
// CHECK-NOT: kernel.vectorize
// CHECK: return
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @sums(%x: tensor<4x1000xf32>) -> tensor<4x2xf32> {
    %r = compute.fused grid (%x) : (tensor<4x1000xf32>) -> tensor<4x2xf32> {
    ^bb0(%a: tensor<4x1000xf32>):
      %g = compute.grid over affine_map<() -> (4)> : tensor<4x2xf32> {
      ^bb0(%row: index, %out: !access.place<tensor<4x2xf32>>):
        %zero = arith.constant 0 : index
        %one = arith.constant 1 : index
        %count = arith.constant 1000 : index
        %start = arith.constant 0.0 : f32
        %free = scf.for %k = %zero to %count step %one iter_args(%t = %start) -> (f32) {
          %v = access.load %a[%row, %k] : tensor<4x1000xf32> -> f32
          %u = arith.addf %t, %v : f32
          scf.yield %u : f32
        } {compute.unordered}
        access.store %free, %out[%row, %zero] : f32, !access.place<tensor<4x2xf32>>
        %exact = scf.for %k = %zero to %count step %one iter_args(%t = %start) -> (f32) {
          %v = access.load %a[%row, %k] : tensor<4x1000xf32> -> f32
          %u = arith.addf %t, %v : f32
          scf.yield %u : f32
        }
        access.store %exact, %out[%row, %one] : f32, !access.place<tensor<4x2xf32>>
      }
      compute.yield %g : tensor<4x2xf32>
    }
    return %r : tensor<4x2xf32>
  }
}
