// RUN: lt-opt --lt-choose-layouts --lt-select-schedules --lt-lower-groups -split-input-file %s | FileCheck %s

// The channel is the dimension on which no position depends: it lies in the lanes, the input is
// brought into an order with channels inside, and what positions cost is paid once for all of them.
// CHECK-LABEL: func.func @rows
// CHECK: kernel.dispatch @[[COPY:.*]](%{{.*}}) {{.*}}layouts = [array<i64: 1, 2, 0>]
// CHECK: kernel.dispatch @[[K:.*]](%{{.*}}) {{.*}}lanes = 16
// CHECK: func.func @[[K]]
// CHECK: scf.for {{.*}} -> (vector<16xf32>) {
// CHECK: kernel.load %{{.*}} : !kernel.buffer<i64> -> i64
// CHECK: kernel.load %{{.*}} : !kernel.buffer<f32> -> vector<16xf32>
// CHECK: arith.addf %{{.*}} : vector<16xf32>
// CHECK-COUNT-16: kernel.store %{{.*}} : f32
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @rows(%x: tensor<16x9x9xf32>, %at: tensor<100x8xi64>) -> tensor<16x100xf32> {
    %r = compute.fused grid (%x, %at) : (tensor<16x9x9xf32>, tensor<100x8xi64>) -> tensor<16x100xf32> {
    ^bb0(%a: tensor<16x9x9xf32>, %i: tensor<100x8xi64>):
      %g = compute.grid over affine_map<() -> (16, 100)> : tensor<16x100xf32> {
      ^bb0(%channel: index, %point: index, %out: !access.place<tensor<16x100xf32>>):
        %none = arith.constant 0.0 : f32
        %zero = arith.constant 0 : index
        %one = arith.constant 1 : index
        %eight = arith.constant 8 : index
        %sum = scf.for %n = %zero to %eight step %one iter_args(%before = %none) -> f32 {
          %p = access.load %i[%point, %n] : tensor<100x8xi64> -> i64
          %q = arith.index_cast %p : i64 to index
          %v = access.load %a[%channel, %q, %n] : tensor<16x9x9xf32> -> f32
          %next = arith.addf %before, %v : f32
          scf.yield %next : f32
        }
        access.store %sum, %out[%channel, %point] : f32, !access.place<tensor<16x100xf32>>
      }
      compute.yield %g : tensor<16x100xf32>
    }
    return %r : tensor<16x100xf32>
  }
}

// -----

// A branch that depends on the lane: both ways, the load only for lanes that take it.
// CHECK-LABEL: func.func @branches
// CHECK: kernel.dispatch @[[K:.*]](%{{.*}}) {{.*}}lanes = 16
// CHECK: func.func @[[K]]
// CHECK: %[[TAKEN:.*]] = arith.cmpi slt, %{{.*}} : vector<16xindex>
// CHECK: %[[V:.*]] = kernel.load %{{.*}} mask %[[TAKEN]]
// CHECK: arith.select %[[TAKEN]], %[[V]], %{{.*}} : vector<16xi1>, vector<16xf32>
// CHECK: vector.create_mask
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @branches(%x: tensor<30x100xf32>) -> tensor<30x100xf32> {
    %r = compute.fused grid (%x) : (tensor<30x100xf32>) -> tensor<30x100xf32> {
    ^bb0(%a: tensor<30x100xf32>):
      %g = compute.grid over affine_map<() -> (30, 100)> : tensor<30x100xf32> {
      ^bb0(%i: index, %j: index, %out: !access.place<tensor<30x100xf32>>):
        %none = arith.constant 0.0 : f32
        %seven = arith.constant 7 : index
        %limit = arith.constant 93 : index
        %inside = arith.cmpi slt, %j, %limit : index
        %v = scf.if %inside -> f32 {
          %k = arith.addi %j, %seven : index
          %w = access.load %a[%i, %k] : tensor<30x100xf32> -> f32
          scf.yield %w : f32
        } else {
          scf.yield %none : f32
        }
        access.store %v, %out[%i, %j] : f32, !access.place<tensor<30x100xf32>>
      }
      compute.yield %g : tensor<30x100xf32>
    }
    return %r : tensor<30x100xf32>
  }
}
