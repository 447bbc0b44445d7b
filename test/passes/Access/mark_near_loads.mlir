// RUN: lt-opt --lt-mark-near-loads %s | FileCheck %s

// Positions that are divided or converted are near to those of the neighbours; what follows them by
// a constant is a run already, and what data decides may be anywhere.
// CHECK-LABEL: func @loads
func.func @loads(%x: tensor<64x64xf32>, %p: tensor<32xi64>) -> tensor<32x32xf32> {
  %r = compute.grid over affine_map<() -> (32, 32)> : tensor<32x32xf32> {
  ^bb0(%i: index, %j: index, %to: !access.place<tensor<32x32xf32>>):
    %c1 = arith.constant 1 : index
    %near = arith.shrsi %j, %c1 : index
    // CHECK: access.load {{.*}} {access.near}
    %a = access.load %x[%i, %near] : tensor<64x64xf32> -> f32
    %next = arith.addi %j, %c1 : index
    // CHECK: access.load
    // CHECK-NOT: near
    %b = access.load %x[%i, %next] : tensor<64x64xf32> -> f32
    %q = access.load %p[%j] : tensor<32xi64> -> i64
    %half = arith.shrsi %q, %q : i64
    %any = arith.index_cast %half : i64 to index
    %c = access.load %x[%i, %any] : tensor<64x64xf32> -> f32
    %d = arith.addf %a, %b : f32
    %e = arith.addf %d, %c : f32
    access.store %e, %to[%i, %j] : f32, !access.place<tensor<32x32xf32>>
  }
  return %r : tensor<32x32xf32>
}
