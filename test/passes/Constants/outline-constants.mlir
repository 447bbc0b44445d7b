// RUN: lt-opt %s -split-input-file -lt-outline-constants | FileCheck %s
// RUN: lt-opt %s -split-input-file -lt-outline-constants="growth=1 bytes=8" \
// RUN:   | FileCheck %s --check-prefix=TIGHT

// Two groups in a row on a constant move together; what reads the argument stays.
// CHECK-LABEL: func.func @chain
// CHECK: %[[W:.*]] = graph.constant named "w"
// CHECK: %[[P:.*]] = call @constants_0(%[[W]]) : (tensor<2x4xf32>) -> tensor<4x2xf32>
// CHECK: compute.fused pointwise(%{{.*}}, %[[P]])
// CHECK-LABEL: func.func private @constants_0
// CHECK-SAME: %[[A:.*]]: tensor<2x4xf32>
// CHECK: %[[N:.*]] = compute.fused pointwise(%[[A]])
// The first result's column-major layout is between groups of constants; results are row-major.
// CHECK-SAME: layouts = [array<i64: 1, 0>]
// CHECK: %[[T:.*]] = compute.fused pointwise(%[[N]])
// CHECK-SAME: layouts = [array<i64: 1, 0>]
// CHECK: %[[R:.*]] = compute.fused pointwise(%[[T]]) {layouts = [array<i64>]}
// CHECK: return %[[R]]
// TIGHT-LABEL: func.func @chain
// TIGHT: call @constants_0
func.func @chain(%x: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %w = graph.constant named "w" dense<1.0> : tensor<2x4xf32>
  %n = compute.fused pointwise(%w) {layouts = [array<i64: 1, 0>]} : (tensor<2x4xf32>) -> tensor<2x4xf32> {
  ^bb0(%a: tensor<2x4xf32>):
    %m = compute.map (%a at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<2x4xf32>) -> tensor<2x4xf32> {
    ^bb0(%e: f32):
      %v = arith.negf %e : f32
      compute.yield %v : f32
    }
    compute.yield %m : tensor<2x4xf32>
  }
  %t = compute.fused pointwise(%n) {layouts = [array<i64: 1, 0>]} : (tensor<2x4xf32>) -> tensor<4x2xf32> {
  ^bb0(%a: tensor<2x4xf32>):
    %m = compute.map (%a at #access.map<(d0, d1) -> (d1, d0)>) : (tensor<2x4xf32>) -> tensor<4x2xf32> {
    ^bb0(%e: f32):
      compute.yield %e : f32
    }
    compute.yield %m : tensor<4x2xf32>
  }
  %y = compute.fused pointwise(%x, %t) : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32> {
  ^bb0(%a: tensor<4x2xf32>, %b: tensor<4x2xf32>):
    %m = compute.map (%a at #access.map<(d0, d1) -> (d0, d1)>, %b at #access.map<(d0, d1) -> (d0, d1)>)
        : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32> {
    ^bb0(%e: f32, %f: f32):
      %v = arith.addf %e, %f : f32
      compute.yield %v : f32
    }
    compute.yield %m : tensor<4x2xf32>
  }
  return %y : tensor<4x2xf32>
}

// -----

// What is much larger than what it is made of, or whose size is not known, stays; so does what is a
// result of the model.
// CHECK-LABEL: func.func @broadcast
// CHECK: compute.fused pointwise(%{{.*}}) {label = "dynamic"}
// CHECK: compute.fused pointwise(%{{.*}}) {label = "result"}
// CHECK: %[[S:.*]] = call @constants_0
// CHECK: compute.fused pointwise(%{{.*}}, %[[S]]) {label = "reader"}
// CHECK: compute.fused pointwise(%{{.*}}) {label = "static"}
// TIGHT-LABEL: func.func @broadcast
// TIGHT-NOT: call
// TIGHT: compute.fused pointwise(%{{.*}}) {label = "static"}
func.func @broadcast(%x: tensor<?xf32, #extent.shape<()[s0] -> (s0)>>, %z: tensor<64xf32>)
    -> (tensor<64xf32>, tensor<?xf32, #extent.shape<()[s0] -> (s0)>>, tensor<1xf32>) {
  extent.symbol 0 "n" = input 0 dim 0 min 1
  %c = graph.constant dense<1.0> : tensor<1xf32>
  %s = compute.fused pointwise(%c) {label = "static"} : (tensor<1xf32>) -> tensor<64xf32> {
  ^bb0(%a: tensor<1xf32>):
    %m = compute.map (%a at #access.map<(d0) -> (0)>) : (tensor<1xf32>) -> tensor<64xf32> {
    ^bb0(%e: f32):
      compute.yield %e : f32
    }
    compute.yield %m : tensor<64xf32>
  }
  %d = compute.fused pointwise(%c) {label = "dynamic"}
      : (tensor<1xf32>) -> tensor<?xf32, #extent.shape<()[s0] -> (s0)>> {
  ^bb0(%a: tensor<1xf32>):
    %m = compute.map (%a at #access.map<(d0) -> (0)>)
        : (tensor<1xf32>) -> tensor<?xf32, #extent.shape<()[s0] -> (s0)>> {
    ^bb0(%e: f32):
      compute.yield %e : f32
    }
    compute.yield %m : tensor<?xf32, #extent.shape<()[s0] -> (s0)>>
  }
  %r = compute.fused pointwise(%c) {label = "result"} : (tensor<1xf32>) -> tensor<1xf32> {
  ^bb0(%a: tensor<1xf32>):
    %m = compute.map (%a at #access.map<(d0) -> (d0)>) : (tensor<1xf32>) -> tensor<1xf32> {
    ^bb0(%e: f32):
      compute.yield %e : f32
    }
    compute.yield %m : tensor<1xf32>
  }
  %y = compute.fused pointwise(%z, %s) {label = "reader"}
      : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32> {
  ^bb0(%a: tensor<64xf32>, %b: tensor<64xf32>):
    %m = compute.map (%a at #access.map<(d0) -> (d0)>, %b at #access.map<(d0) -> (d0)>)
        : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32> {
    ^bb0(%e: f32, %f: f32):
      %v = arith.addf %e, %f : f32
      compute.yield %v : f32
    }
    compute.yield %m : tensor<64xf32>
  }
  return %y, %d, %r
      : tensor<64xf32>, tensor<?xf32, #extent.shape<()[s0] -> (s0)>>, tensor<1xf32>
}
