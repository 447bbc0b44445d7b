// RUN: lt-opt --lt-choose-layouts -split-input-file %s | FileCheck %s

// Windows two apart in the innermost dimension read neighbours and shuffle them: nothing is copied.
// CHECK-LABEL: func.func @strided
// CHECK-NOT: pointwise
// CHECK: compute.fused window(%arg0) {layouts = [array<i64: 0, 1, 2>]}
func.func @strided(%x: tensor<64x112x112xf32>) -> tensor<64x56x56xf32> {
  %r = compute.fused window (%x) : (tensor<64x112x112xf32>) -> tensor<64x56x56xf32> {
  ^bb0(%a: tensor<64x112x112xf32>):
    %m = compute.reduce max over affine_map<() -> (3, 3)> (%a at #access.map<(d0, d1, d2, d3, d4) -> (d0, d1 * 2 + d3, d2 * 2 + d4), valid (d0, d1, d2, d3, d4) -> (d1 * 2 + d3, d2 * 2 + d4) below (d0, d1, d2, d3, d4) -> (112, 112)> fill 0xFF800000 : f32) : (tensor<64x112x112xf32>) -> tensor<64x56x56xf32> {
    ^bb0(%v: f32):
      compute.yield %v : f32
    }
    compute.yield %m : tensor<64x56x56xf32>
  }
  return %r : tensor<64x56x56xf32>
}

// -----

// Windows further apart would be gathered: the input is copied into an order with channels inside,
// and the result back.
// CHECK-LABEL: func.func @far
// CHECK: %[[COPY:.*]] = compute.fused pointwise(%arg0) {label = "transpose", layouts = [array<i64: 1, 2, 0>]}
// CHECK: %[[POOL:.*]] = compute.fused window(%[[COPY]]) {layouts = [array<i64: 1, 2, 0>]}
// CHECK: compute.fused pointwise(%[[POOL]]) {layouts = [array<i64: 0, 1, 2>]}
func.func @far(%x: tensor<64x112x112xf32>) -> tensor<64x22x22xf32> {
  %r = compute.fused window (%x) : (tensor<64x112x112xf32>) -> tensor<64x22x22xf32> {
  ^bb0(%a: tensor<64x112x112xf32>):
    %m = compute.reduce max over affine_map<() -> (7, 7)> (%a at #access.map<(d0, d1, d2, d3, d4) -> (d0, d1 * 5 + d3, d2 * 5 + d4)>) : (tensor<64x112x112xf32>) -> tensor<64x22x22xf32> {
    ^bb0(%v: f32):
      compute.yield %v : f32
    }
    compute.yield %m : tensor<64x22x22xf32>
  }
  return %r : tensor<64x22x22xf32>
}

// -----

// Neighbouring windows of few elements read neighbours as they are.
// CHECK-LABEL: func.func @dense
// CHECK-NOT: pointwise
// CHECK: compute.fused window(%arg0) {layouts = [array<i64: 0, 1, 2>]}
func.func @dense(%x: tensor<64x112x112xf32>) -> tensor<64x111x112xf32> {
  %r = compute.fused window (%x) : (tensor<64x112x112xf32>) -> tensor<64x111x112xf32> {
  ^bb0(%a: tensor<64x112x112xf32>):
    %m = compute.reduce max over affine_map<() -> (2)> (%a at #access.map<(d0, d1, d2, d3) -> (d0, d1 + d3, d2)>) : (tensor<64x112x112xf32>) -> tensor<64x111x112xf32> {
    ^bb0(%v: f32):
      compute.yield %v : f32
    }
    compute.yield %m : tensor<64x111x112xf32>
  }
  return %r : tensor<64x111x112xf32>
}

// -----

// A batch of unknown size is no dimension for lanes, though its weights would be the same for all.
// Along the channels the weights are brought into their order.
// CHECK-LABEL: func.func @batch
// CHECK: %[[COPY:.*]] = compute.fused pointwise(%arg1) {label = "transpose", layouts = [array<i64: 1, 0>]}
// CHECK: compute.fused window(%arg0, %[[COPY]]) {layouts = [array<i64: 0, 1, 2>]}
func.func @batch(%x: tensor<?x?x8xf32, #extent.shape<()[s0, s1] -> (s0, s1, 8)>>, %w: tensor<8x3xf32>) -> tensor<?x?x8xf32, #extent.shape<()[s0, s1] -> (s0, s1, 8)>> {
  extent.symbol 0 "n" = input 0 dim 0
  extent.symbol 1 "l" = input 0 dim 1
  %r = compute.fused window (%x, %w) : (tensor<?x?x8xf32, #extent.shape<()[s0, s1] -> (s0, s1, 8)>>, tensor<8x3xf32>) -> tensor<?x?x8xf32, #extent.shape<()[s0, s1] -> (s0, s1, 8)>> {
  ^bb0(%a: tensor<?x?x8xf32, #extent.shape<()[s0, s1] -> (s0, s1, 8)>>, %b: tensor<8x3xf32>):
    %m = compute.reduce add over affine_map<() -> (3)> (%a at #access.map<(d0, d1, d2, d3) -> (d0, d1 + d3 - 1, d2), valid (d0, d1, d2, d3) -> (d1 + d3 - 1) below (d0, d1, d2, d3)[s0, s1] -> (s1)> fill 0.0 : f32, %b at #access.map<(d0, d1, d2, d3) -> (d2, d3)>) : (tensor<?x?x8xf32, #extent.shape<()[s0, s1] -> (s0, s1, 8)>>, tensor<8x3xf32>) -> tensor<?x?x8xf32, #extent.shape<()[s0, s1] -> (s0, s1, 8)>> {
    ^bb0(%v: f32, %u: f32):
      %p = arith.mulf %v, %u : f32
      compute.yield %p : f32
    }
    compute.yield %m : tensor<?x?x8xf32, #extent.shape<()[s0, s1] -> (s0, s1, 8)>>
  }
  return %r : tensor<?x?x8xf32, #extent.shape<()[s0, s1] -> (s0, s1, 8)>>
}

// -----

// Weights that are known take any order for nothing: the lanes stay along the channels, as what
// comes before and after wants.
// CHECK-LABEL: func.func @known
// CHECK: %[[X:.*]] = compute.fused contraction
// CHECK: %[[W:.*]] = compute.fused pointwise(%{{.*}}) {label = "transpose", layouts = [array<i64: 1, 2, 0>]}
// CHECK: compute.fused window(%[[X]], %[[W]]) {layouts = [array<i64: 1, 2, 0>]}
func.func @known(%p: tensor<24x64x64xf32>, %b: tensor<24x96xf32>) -> tensor<24x64x64xf32> {
  %w = graph.constant dense<1.0> : tensor<96x3x3xf32>
  %x = compute.fused contraction (%p, %b) : (tensor<24x64x64xf32>, tensor<24x96xf32>) -> tensor<96x64x64xf32> {
  ^bb0(%l: tensor<24x64x64xf32>, %r: tensor<24x96xf32>):
    %c = compute.contract %l at #access.map<(d0, d1, d2, d3) -> (d3, d1, d2)>, %r at #access.map<(d0, d1, d2, d3) -> (d3, d0)> over affine_map<() -> (24)> : tensor<24x64x64xf32>, tensor<24x96xf32> -> tensor<96x64x64xf32>
    compute.yield %c : tensor<96x64x64xf32>
  }
  %y = compute.fused window (%x, %w) : (tensor<96x64x64xf32>, tensor<96x3x3xf32>) -> tensor<96x64x64xf32> {
  ^bb0(%a: tensor<96x64x64xf32>, %k: tensor<96x3x3xf32>):
    %s = compute.reduce add over affine_map<() -> (3, 3)> (%a at #access.map<(d0, d1, d2, d3, d4) -> (d0, d1 + d3 - 1, d2 + d4 - 1), valid (d0, d1, d2, d3, d4) -> (d1 + d3 - 1, d2 + d4 - 1) below (d0, d1, d2, d3, d4) -> (64, 64)> fill 0.0 : f32, %k at #access.map<(d0, d1, d2, d3, d4) -> (d0, d3, d4)>) : (tensor<96x64x64xf32>, tensor<96x3x3xf32>) -> tensor<96x64x64xf32> {
    ^bb0(%v: f32, %f: f32):
      %m = arith.mulf %v, %f : f32
      compute.yield %m : f32
    }
    compute.yield %s : tensor<96x64x64xf32>
  }
  %z = compute.fused contraction (%y, %b) : (tensor<96x64x64xf32>, tensor<24x96xf32>) -> tensor<24x64x64xf32> {
  ^bb0(%l: tensor<96x64x64xf32>, %r: tensor<24x96xf32>):
    %c = compute.contract %l at #access.map<(d0, d1, d2, d3) -> (d3, d1, d2)>, %r at #access.map<(d0, d1, d2, d3) -> (d0, d3)> over affine_map<() -> (96)> : tensor<96x64x64xf32>, tensor<24x96xf32> -> tensor<24x64x64xf32>
    compute.yield %c : tensor<24x64x64xf32>
  }
  return %z : tensor<24x64x64xf32>
}
