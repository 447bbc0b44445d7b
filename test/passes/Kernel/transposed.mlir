// RUN: lt-opt --lt-select-schedules --lt-lower-groups %s | FileCheck %s

// What is read along another dimension than it is stored: squares are loaded along the one, turned
// around in registers and stored along the other.
// CHECK-LABEL: func.func @turn
// CHECK: func.func @k0
// CHECK-NOT: kernel.gather
// CHECK-COUNT-16: kernel.load %{{.*}} : !kernel.buffer<f32> -> vector<16xf32>
// CHECK-COUNT-64: vector.shuffle {{.*}} : vector<16xf32>, vector<16xf32>
// CHECK-COUNT-16: kernel.store %{{.*}} : vector<16xf32> -> !kernel.buffer<f32>
// CHECK-NOT: kernel.gather
// CHECK: return
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @turn(%x: tensor<64x96xf32>) -> tensor<96x64xf32> {
    %r = compute.fused pointwise (%x) : (tensor<64x96xf32>) -> tensor<96x64xf32> {
    ^bb0(%a: tensor<64x96xf32>):
      %m = compute.map (%a at #access.map<(d0, d1) -> (d1, d0)>) : (tensor<64x96xf32>) -> tensor<96x64xf32> {
      ^bb1(%v: f32):
        %n = arith.negf %v : f32
        compute.yield %n : f32
      }
      compute.yield %m : tensor<96x64xf32>
    }
    return %r : tensor<96x64xf32>
  }
}
