// RUN: lt-opt --lt-select-schedules --lt-lower-groups -split-input-file %s | FileCheck %s

// The largest and the smallest number of a row are found as integers, on vectors; NaN is behind all
// others on either side.
// CHECK-LABEL: func.func @extremes
// CHECK: scf.for {{.*}} -> (i32, i32)
// CHECK: %[[Y:.*]] = kernel.load
// CHECK-DAG: arith.maxsi
// CHECK-DAG: arith.minsi
// CHECK-DAG: arith.cmpf uno, %[[Y]], %[[Y]]
// CHECK: } {kernel.vectorize}
// CHECK: arith.bitcast %{{.*}} : i32 to f32
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @extremes(%x: tensor<4x1000xf32>) -> tensor<4x2xf32> {
    %r = compute.fused grid (%x) : (tensor<4x1000xf32>) -> tensor<4x2xf32> {
    ^bb0(%a: tensor<4x1000xf32>):
      %g = compute.grid over affine_map<() -> (4)> : tensor<4x2xf32> {
      ^bb0(%row: index, %out: !access.place<tensor<4x2xf32>>):
        %zero = arith.constant 0 : index
        %one = arith.constant 1 : index
        %count = arith.constant 1000 : index
        %start = arith.constant 0.0 : f32
        %both:2 = scf.for %k = %zero to %count step %one iter_args(%s = %start, %t = %start) -> (f32, f32) {
          %v = access.load %a[%row, %k] : tensor<4x1000xf32> -> f32
          %m = arith.maximumf %s, %v : f32
          %n = arith.minimumf %v, %t : f32
          scf.yield %m, %n : f32, f32
        }
        access.store %both#0, %out[%row, %zero] : f32, !access.place<tensor<4x2xf32>>
        access.store %both#1, %out[%row, %one] : f32, !access.place<tensor<4x2xf32>>
      }
      compute.yield %g : tensor<4x2xf32>
    }
    return %r : tensor<4x2xf32>
  }
}

// -----

// A maximum that each trip looks at stays as it is.
// CHECK-LABEL: func.func @running
// CHECK: arith.maximumf
// CHECK-NOT: arith.maxsi
// CHECK-NOT: kernel.vectorize
// CHECK: return
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @running(%x: tensor<4x1000xf32>) -> tensor<4x1000xf32> {
    %r = compute.fused grid (%x) : (tensor<4x1000xf32>) -> tensor<4x1000xf32> {
    ^bb0(%a: tensor<4x1000xf32>):
      %g = compute.grid over affine_map<() -> (4)> : tensor<4x1000xf32> {
      ^bb0(%row: index, %out: !access.place<tensor<4x1000xf32>>):
        %zero = arith.constant 0 : index
        %one = arith.constant 1 : index
        %count = arith.constant 1000 : index
        %start = arith.constant 0.0 : f32
        %last = scf.for %k = %zero to %count step %one iter_args(%s = %start) -> (f32) {
          %v = access.load %a[%row, %k] : tensor<4x1000xf32> -> f32
          %m = arith.maximumf %s, %v : f32
          access.store %m, %out[%row, %k] : f32, !access.place<tensor<4x1000xf32>>
          scf.yield %m : f32
        }
      }
      compute.yield %g : tensor<4x1000xf32>
    }
    return %r : tensor<4x1000xf32>
  }
}
