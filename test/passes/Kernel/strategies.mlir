// RUN: lt-opt --lt-select-schedules --lt-lower-groups -split-input-file %s | FileCheck %s

// Contraction: accumulators are carried in 1-D vectors through a loop that stays as it is; what
// follows is computed on them.
// CHECK-LABEL: func.func @k0
// CHECK: scf.for {{.*}} iter_args
// CHECK: kernel.load {{.*}} -> vector<16xf32>
// CHECK: vector.broadcast {{.*}} : f32 to vector<16xf32>
// CHECK: vector.fma {{.*}} : vector<16xf32>
// CHECK: kernel.no_unroll
// CHECK: arith.maximumf {{.*}} : vector<16xf32>
// CHECK: kernel.store
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @contraction(%x: tensor<64x100xf32>, %w: tensor<100x16xf32>) -> tensor<64x16xf32> {
    %r = compute.fused contraction (%x, %w) : (tensor<64x100xf32>, tensor<100x16xf32>) -> tensor<64x16xf32> {
    ^bb0(%a: tensor<64x100xf32>, %b: tensor<100x16xf32>):
      %s = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>, %b at #access.map<(d0, d1, d2) -> (d2, d1)>
          over affine_map<() -> (100)> : tensor<64x100xf32>, tensor<100x16xf32> -> tensor<64x16xf32>
      %m = compute.map (%s at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<64x16xf32>) -> tensor<64x16xf32> {
      ^bb0(%q: f32):
        %zero = arith.constant 0.0 : f32
        %z = arith.maximumf %q, %zero : f32
        compute.yield %z : f32
      }
      compute.yield %m : tensor<64x16xf32>
    }
    return %r : tensor<64x16xf32>
  }
}

// -----

// Window: most windows are whole and checked once; at borders a row that does not exist is skipped,
// and the elements of others are masked.
// CHECK-LABEL: func.func @k0
// CHECK: %[[WHOLE:.*]] = arith.andi
// CHECK: scf.if {{.*}} -> (vector<16xf32>
// CHECK-NOT: mask
// CHECK: } else {
// CHECK: scf.if
// CHECK: kernel.load {{.*}} mask
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @window(%x: tensor<16x16x32xf32>) -> tensor<16x16x32xf32> {
    %r = compute.fused window (%x) : (tensor<16x16x32xf32>) -> tensor<16x16x32xf32> {
    ^bb0(%a: tensor<16x16x32xf32>):
      %s = compute.reduce add over affine_map<() -> (3, 3)>
          (%a at #access.map<(d0, d1, d2, d3, d4) -> (d0 + d3 - 1, d1 + d4 - 1, d2), valid (d0, d1, d2, d3, d4) -> (d0 + d3 - 1, d1 + d4 - 1) below (d0, d1, d2, d3, d4) -> (16, 16)> fill 0.0 : f32)
          : (tensor<16x16x32xf32>) -> tensor<16x16x32xf32> {
      ^bb0(%q: f32):
        compute.yield %q : f32
      }
      compute.yield %s : tensor<16x16x32xf32>
    }
    return %r : tensor<16x16x32xf32>
  }
}

// -----

// Rows: the exponential is computed once and kept in a row buffer; the sum is a scalar.
// CHECK-LABEL: func.func @k0
// CHECK: %[[BUFFER:.*]] = kernel.scratch 0 : !kernel.buffer<f32>
// The maximum by comparisons, half of the lanes with the others; NaN by itself.
// CHECK: arith.cmpf ogt, {{.*}} : vector<16xf32>
// CHECK: arith.cmpf uno, {{.*}} : vector<16xf32>
// CHECK: vector.shuffle {{.*}} : vector<16xf32>, vector<16xf32>
// CHECK: arith.cmpf ogt, {{.*}} : vector<8xf32>
// CHECK: vector.reduction <or>
// CHECK: math.exp {{.*}} : vector<16xf32>
// CHECK: kernel.store
// CHECK: vector.shuffle {{.*}} : vector<16xf32>, vector<16xf32>
// CHECK-NOT: math.exp
// CHECK: arith.divf
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @rows(%x: tensor<8x128xf32>) -> tensor<8x128xf32> {
    %r = compute.fused rows (%x) : (tensor<8x128xf32>) -> tensor<8x128xf32> {
    ^bb0(%a: tensor<8x128xf32>):
      %m = compute.reduce max over affine_map<() -> (128)> (%a at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<8x128xf32>) -> tensor<8xf32> {
      ^bb0(%p: f32):
        compute.yield %p : f32
      }
      %e = compute.map (%a at #access.map<(d0, d1) -> (d0, d1)>, %m at #access.map<(d0, d1) -> (d0)>) : (tensor<8x128xf32>, tensor<8xf32>) -> tensor<8x128xf32> {
      ^bb0(%p: f32, %q: f32):
        %z = arith.subf %p, %q : f32
        %y = math.exp %z : f32
        compute.yield %y : f32
      }
      %s = compute.reduce add over affine_map<() -> (128)> (%e at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<8x128xf32>) -> tensor<8xf32> {
      ^bb0(%p: f32):
        compute.yield %p : f32
      }
      %f = compute.map (%e at #access.map<(d0, d1) -> (d0, d1)>, %s at #access.map<(d0, d1) -> (d0)>) : (tensor<8x128xf32>, tensor<8xf32>) -> tensor<8x128xf32> {
      ^bb0(%p: f32, %q: f32):
        %z = arith.divf %p, %q : f32
        compute.yield %z : f32
      }
      compute.yield %f : tensor<8x128xf32>
    }
    return %r : tensor<8x128xf32>
  }
}

// -----

// Rows are worked on in the order in which they lie in memory, not in that of the results.
// CHECK-LABEL: func.func @k0
// CHECK: arith.remui %{{.*}}, %c8
module attributes {kernel.target = #kernel.target<"x86-64-v4", vector_bytes = 64, registers = 32, masks = true, l1 = 32768, l2 = 1048576>} {
  func.func @rows_in_order(%x: tensor<32x8x64xf32>) -> tensor<8x32xf32> {
    %r = compute.fused rows (%x) : (tensor<32x8x64xf32>) -> tensor<8x32xf32> {
    ^bb0(%a: tensor<32x8x64xf32>):
      %s = compute.reduce add over affine_map<() -> (64)> (%a at #access.map<(d0, d1, d2) -> (d1, d0, d2)>) : (tensor<32x8x64xf32>) -> tensor<8x32xf32> {
      ^bb0(%q: f32):
        compute.yield %q : f32
      }
      compute.yield %s : tensor<8x32xf32>
    }
    return %r : tensor<8x32xf32>
  }
}
