// RUN: lt-opt --lt-select-schedules --lt-lower-groups %s | FileCheck %s

// Products of bytes run in vectors, and what is left one by one.
// CHECK-LABEL: func.func @dots
// CHECK: func.func @k0
// CHECK: scf.for %{{.*}} to %{{.*}} step %c16 {
// CHECK: %[[SUM:.*]] = kernel.load %{{.*}} : !kernel.buffer<i32> -> vector<16xi32>
// CHECK: %[[W:.*]] = kernel.load %{{.*}} : !kernel.buffer<i32> -> vector<16xi32>
// CHECK: %[[F:.*]] = vector.broadcast %{{.*}} : i32 to vector<16xi32>
// CHECK: %[[R:.*]] = kernel.dot %[[F]], %[[W]], %[[SUM]] : vector<16xi32>
// CHECK: kernel.store %[[R]], %{{.*}} : vector<16xi32>
// CHECK: scf.for %{{.*}} to %c100 step %c1 {
// CHECK: kernel.dot %{{.*}} : i32
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @dots(%w: tensor<4x100xi32>, %x: tensor<4xi32>) -> tensor<100xi32> {
    %r = compute.fused grid (%w, %x) : (tensor<4x100xi32>, tensor<4xi32>) -> tensor<100xi32> {
    ^bb0(%a: tensor<4x100xi32>, %b: tensor<4xi32>):
      %g = compute.grid over affine_map<() -> (1)> : tensor<100xi32> {
      ^bb0(%point: index, %out: !access.place<tensor<100xi32>>):
        %zero = arith.constant 0 : index
        %one = arith.constant 1 : index
        %four = arith.constant 4 : index
        %many = arith.constant 100 : index
        scf.for %k = %zero to %four step %one {
          %f = access.load %b[%k] : tensor<4xi32> -> i32
          scf.for %j = %zero to %many step %one {
            %s = access.fetch %out[%j] : !access.place<tensor<100xi32>> -> i32
            %v = access.load %a[%k, %j] : tensor<4x100xi32> -> i32
            %d = compute.dot %f, %v, %s
            access.store %d, %out[%j] : i32, !access.place<tensor<100xi32>>
          }
        }
      }
      compute.yield %g : tensor<100xi32>
    }
    return %r : tensor<100xi32>
  }
}
