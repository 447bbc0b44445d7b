// RUN: lt-opt --lt-select-schedules --lt-lower-groups %s | FileCheck %s

// The parts of a concatenation along the lanes: where some lane is in a part, what is the same for
// all lanes is loaded once, and rows at positions that the part computes are loads of neighbours.
// CHECK-LABEL: func.func @parts
// CHECK-NOT: kernel.gather
// CHECK: %[[ANY:.*]] = vector.reduction <or>
// CHECK: scf.if %[[ANY]]
// CHECK-DAG: kernel.load %arg0[%{{.*}}] : !kernel.buffer<i32> -> i32
// CHECK-DAG: kernel.load %arg1[%{{.*}}] : !kernel.buffer<f32> -> f32
// CHECK-DAG: kernel.load %arg2[%{{.*}}] mask %{{.*}} -> vector<16xf32>
// CHECK-NOT: kernel.gather
// CHECK: return
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @parts(%rows: tensor<32xi32>, %weights: tensor<32xf32>, %x: tensor<16x20xf32>, %y: tensor<32x28xf32>) -> tensor<32x48xf32> {
    %r = compute.fused pointwise(%rows, %weights, %x, %y) : (tensor<32xi32>, tensor<32xf32>, tensor<16x20xf32>, tensor<32x28xf32>) -> tensor<32x48xf32> {
    ^bb0(%a: tensor<32xi32>, %b: tensor<32xf32>, %c: tensor<16x20xf32>, %d: tensor<32x28xf32>):
      %m = compute.map (%a at #access.map<(d0, d1) -> (d0)>, %b at #access.map<(d0, d1) -> (d0)>) : (tensor<32xi32>, tensor<32xf32>) -> tensor<32x20xf32> {
      ^bb0(%row: i32, %weight: f32):
        %at = arith.index_cast %row : i32 to index
        %column = compute.index 1
        %v = access.load %c[%at, %column] : tensor<16x20xf32> -> f32
        %product = arith.mulf %v, %weight : f32
        compute.yield %product : f32
      }
      %n = compute.map (%m at #access.map<(d0, d1) -> (d0, d1), valid (d0, d1) -> (d1) below (d0, d1) -> (20)> fill 0.0 : f32, %d at #access.map<(d0, d1) -> (d0, d1 - 20), valid (d0, d1) -> (d1 - 20) below (d0, d1) -> (28)> fill 0.0 : f32) : (tensor<32x20xf32>, tensor<32x28xf32>) -> tensor<32x48xf32> {
      ^bb0(%p: f32, %q: f32):
        %first = arith.constant 20 : index
        %column = compute.index 1
        %isFirst = arith.cmpi slt, %column, %first : index
        %one = arith.select %isFirst, %p, %q : f32
        compute.yield %one : f32
      }
      compute.yield %n : tensor<32x48xf32>
    }
    return %r : tensor<32x48xf32>
  }
}
