// RUN: lt-opt --lt-choose-layouts -split-input-file %s | FileCheck %s

// Positions do not depend on the channel: it goes inside, in what is read and in the result, for the
// price of two copies.
// CHECK-LABEL: func.func @sample
// CHECK: %[[ROWS:.*]] = compute.fused pointwise(%arg0) {label = "transpose", layouts = {{\[}}array<i64: 0, 2, 3, 1>]}
// CHECK: %[[R:.*]] = compute.fused pointwise(%[[ROWS]], %arg1) {layouts = {{\[}}array<i64: 0, 2, 3, 1>]}
// CHECK: %[[FLAT:.*]] = compute.fused pointwise(%[[R]]) {layouts = {{\[}}array<i64: 0, 1, 2, 3>]}
// CHECK: return %[[FLAT]]
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @sample(%x: tensor<1x32x64x64xf32>, %at: tensor<1x64x64x2xi64>) -> tensor<1x32x64x64xf32> {
    %r = compute.fused pointwise (%x, %at) : (tensor<1x32x64x64xf32>, tensor<1x64x64x2xi64>) -> tensor<1x32x64x64xf32> {
    ^bb0(%a: tensor<1x32x64x64xf32>, %b: tensor<1x64x64x2xi64>):
      %m = compute.map (%b at #access.map<(d0, d1, d2, d3) -> (d0, d2, d3, 0)>, %b at #access.map<(d0, d1, d2, d3) -> (d0, d2, d3, 1)>) : (tensor<1x64x64x2xi64>, tensor<1x64x64x2xi64>) -> tensor<1x32x64x64xf32> {
      ^bb0(%h: i64, %w: i64):
        %n = compute.index 0
        %c = compute.index 1
        %i = arith.index_cast %h : i64 to index
        %j = arith.index_cast %w : i64 to index
        %v = access.load %a[%n, %c, %i, %j] : tensor<1x32x64x64xf32> -> f32
        %u = access.load %a[%n, %c, %j, %i] : tensor<1x32x64x64xf32> -> f32
        %t = access.load %a[%n, %c, %i, %i] : tensor<1x32x64x64xf32> -> f32
        %w4 = access.load %a[%n, %c, %j, %j] : tensor<1x32x64x64xf32> -> f32
        %s = arith.addf %v, %u : f32
        %s2 = arith.addf %s, %t : f32
        %s3 = arith.addf %s2, %w4 : f32
        compute.yield %s3 : f32
      }
      compute.yield %m : tensor<1x32x64x64xf32>
    }
    return %r : tensor<1x32x64x64xf32>
  }
}

// -----

// A loop inside one point may be vectors, too: what it reads along a dimension goes inside. The
// points of a grid have lanes: what they keep for themselves lies as these do.
// CHECK-LABEL: func.func @loops
// CHECK: %[[BOXES:.*]] = compute.fused pointwise(%arg0) {label = "transpose", layouts = {{\[}}array<i64: 1, 0>]}
// CHECK: compute.fused grid(%[[BOXES]]) {layouts = {{\[}}array<i64: 0>]}
// CHECK: compute.fused grid(%arg1) {layouts = {{\[}}array<i64: 1, 0>, array<i64: 0>]}
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @loops(%x: tensor<1000x4xf32>, %y: tensor<64xf32>) -> (tensor<1000xi1>, tensor<64xf32>) {
    %r = compute.fused grid (%x) : (tensor<1000x4xf32>) -> tensor<1000xi1> {
    ^bb0(%a: tensor<1000x4xf32>):
      %g = compute.grid over affine_map<() -> (1)> : tensor<1000xi1> {
      ^bb0(%point: index, %out: !access.place<tensor<1000xi1>>):
        %zero = arith.constant 0 : index
        %one = arith.constant 1 : index
        %many = arith.constant 1000 : index
        scf.for %i = %zero to %many step %one {
          %first = access.load %a[%i, %zero] : tensor<1000x4xf32> -> f32
          scf.for %j = %i to %many step %one {
            %v = access.load %a[%j, %one] : tensor<1000x4xf32> -> f32
            %less = arith.cmpf olt, %v, %first : f32
            access.store %less, %out[%j] : i1, !access.place<tensor<1000xi1>>
          }
        }
      }
      compute.yield %g : tensor<1000xi1>
    }
    %s:2 = compute.fused grid (%y) : (tensor<64xf32>) -> (tensor<64x8xf32>, tensor<64xf32>) {
    ^bb0(%a: tensor<64xf32>):
      %g:2 = compute.grid over affine_map<() -> (64)> : tensor<64x8xf32>, tensor<64xf32> {
      ^bb0(%k: index, %state: !access.place<tensor<64x8xf32>>, %out: !access.place<tensor<64xf32>>):
        %zero = arith.constant 0 : index
        %one = arith.constant 1 : index
        %eight = arith.constant 8 : index
        %v = access.load %a[%k] : tensor<64xf32> -> f32
        scf.for %j = %zero to %eight step %one {
          access.store %v, %state[%k, %j] : f32, !access.place<tensor<64x8xf32>>
        }
        %w = access.fetch %state[%k, %one] : !access.place<tensor<64x8xf32>> -> f32
        access.store %w, %out[%k] : f32, !access.place<tensor<64xf32>>
      }
      compute.yield %g#0, %g#1 : tensor<64x8xf32>, tensor<64xf32>
    }
    return %r, %s#1 : tensor<1000xi1>, tensor<64xf32>
  }
}
