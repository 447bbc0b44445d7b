// RUN: lt-opt --lt-drop-dead-fills %s | FileCheck %s

// A row that is written as a whole need not be filled; one of which something is fetched before, or
// that is written only in part or under a condition, must.
// CHECK-LABEL: func @rows
func.func @rows(%x: tensor<8x16xf32>) -> (tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>) {
  %r:3 = compute.grid over affine_map<() -> (8)> : tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32> {
  ^bb0(%i: index, %a: !access.place<tensor<8x16xf32>>, %b: !access.place<tensor<8x16xf32>>, %c: !access.place<tensor<8x16xf32>>):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %c16 = arith.constant 16 : index
    // CHECK: %[[ZERO:.*]] = arith.constant 0.0
    %zero = arith.constant 0.0 : f32
    // CHECK-NOT: access.store %[[ZERO]], %arg2
    // CHECK: access.store %[[ZERO]], %arg3
    // CHECK: access.store %[[ZERO]], %arg4
    scf.for %j = %c0 to %c16 step %c1 {
      access.store %zero, %a[%i, %j] : f32, !access.place<tensor<8x16xf32>>
    }
    scf.for %j = %c0 to %c16 step %c1 {
      access.store %zero, %b[%i, %j] : f32, !access.place<tensor<8x16xf32>>
    }
    scf.for %j = %c0 to %c16 step %c1 {
      access.store %zero, %c[%i, %j] : f32, !access.place<tensor<8x16xf32>>
    }
    scf.for %j = %c0 to %c16 step %c1 {
      %v = access.load %x[%i, %j] : tensor<8x16xf32> -> f32
      access.store %v, %a[%i, %j] : f32, !access.place<tensor<8x16xf32>>
      %old = access.fetch %b[%i, %j] : !access.place<tensor<8x16xf32>> -> f32
      %sum = arith.addf %old, %v : f32
      access.store %sum, %b[%i, %j] : f32, !access.place<tensor<8x16xf32>>
      %some = arith.cmpf ogt, %v, %zero : f32
      scf.if %some {
        access.store %v, %c[%i, %j] : f32, !access.place<tensor<8x16xf32>>
      }
    }
    scf.for %j = %c0 to %c8 step %c1 {
      access.store %zero, %c[%i, %j] : f32, !access.place<tensor<8x16xf32>>
    }
  }
  return %r#0, %r#1, %r#2 : tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>
}
