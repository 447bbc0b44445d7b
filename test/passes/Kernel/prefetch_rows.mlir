// RUN: lt-opt --lt-select-schedules --lt-lower-groups -split-input-file %s | FileCheck %s

// Rows that an array of indices names are asked for eight trips early, in all their lines; the
// index of a later trip is read under the conditions of that trip.
// CHECK-LABEL: func.func @k0
// CHECK: scf.for
// CHECK: scf.for %[[K:[a-z0-9]+]]
// CHECK: %[[LATER:.*]] = arith.addi %[[K]], %c8
// CHECK: %[[AT:.*]] = arith.minsi %[[LATER]]
// CHECK: kernel.load %arg0[%[[AT]]]
// CHECK-COUNT-2: kernel.prefetch %arg1
// CHECK-NOT: kernel.prefetch
// CHECK: kernel.vectorize
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @bag(%index: tensor<100xi64>, %table: tensor<5000x32xf32>) -> tensor<32xf32> {
    %r = compute.fused grid (%index, %table) : (tensor<100xi64>, tensor<5000x32xf32>) -> tensor<32xf32> {
    ^bb0(%a: tensor<100xi64>, %b: tensor<5000x32xf32>):
      %s = compute.grid over affine_map<() -> ()> : tensor<32xf32> {
      ^bb0(%to: !access.place<tensor<32xf32>>):
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c32 = arith.constant 32 : index
        %c100 = arith.constant 100 : index
        scf.for %k = %c0 to %c100 step %c1 {
          %i = access.load %a[%k] : tensor<100xi64> -> i64
          %row = arith.index_cast %i : i64 to index
          scf.for %j = %c0 to %c32 step %c1 {
            %v = access.load %b[%row, %j] : tensor<5000x32xf32> -> f32
            %old = access.fetch %to[%j] : !access.place<tensor<32xf32>> -> f32
            %sum = arith.addf %old, %v : f32
            access.store %sum, %to[%j] : f32, !access.place<tensor<32xf32>>
          }
        }
      }
      compute.yield %s : tensor<32xf32>
    }
    return %r : tensor<32xf32>
  }
}

// -----

// Rows that lie at a distance need no help.
// CHECK-LABEL: func.func @k0
// CHECK-NOT: kernel.prefetch
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @steps(%table: tensor<5000x32xf32>) -> tensor<32xf32> {
    %r = compute.fused grid (%table) : (tensor<5000x32xf32>) -> tensor<32xf32> {
    ^bb0(%b: tensor<5000x32xf32>):
      %s = compute.grid over affine_map<() -> ()> : tensor<32xf32> {
      ^bb0(%to: !access.place<tensor<32xf32>>):
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c5 = arith.constant 5 : index
        %c32 = arith.constant 32 : index
        %c100 = arith.constant 100 : index
        scf.for %k = %c0 to %c100 step %c1 {
          %row = arith.muli %k, %c5 : index
          scf.for %j = %c0 to %c32 step %c1 {
            %v = access.load %b[%row, %j] : tensor<5000x32xf32> -> f32
            %old = access.fetch %to[%j] : !access.place<tensor<32xf32>> -> f32
            %sum = arith.addf %old, %v : f32
            access.store %sum, %to[%j] : f32, !access.place<tensor<32xf32>>
          }
        }
      }
      compute.yield %s : tensor<32xf32>
    }
    return %r : tensor<32xf32>
  }
}
