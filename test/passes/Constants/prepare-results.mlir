// RUN: lt-opt %s -split-input-file -lt-prepare-results | FileCheck %s

// An argument, a constant and the second use of one result are copied; the label keeps them apart.
// CHECK-LABEL: func.func @copies
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK: %[[C:.*]] = graph.constant
// CHECK: %[[G:.*]] = compute.fused pointwise(%[[X]]) : (tensor<4xf32>)
// CHECK: %[[A:.*]] = compute.fused pointwise(%[[X]]) {label = "copy to output a"}
// CHECK: %[[B:.*]] = compute.fused pointwise(%[[C]]) {label = "copy to output 1"}
// CHECK: %[[D:.*]] = compute.fused pointwise(%[[G]]) {label = "copy to output 3"}
// CHECK: return %[[A]], %[[B]], %[[G]], %[[D]]
func.func @copies(%x: tensor<4xf32>)
    -> (tensor<4xf32> {graph.name = "a"}, tensor<2xi64>, tensor<4xf32>, tensor<4xf32>) {
  %c = graph.constant dense<[1, 2]> : tensor<2xi64>
  %g = compute.fused pointwise(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %m = compute.map (%a at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%e: f32):
      %n = arith.negf %e : f32
      compute.yield %n : f32
    }
    compute.yield %m : tensor<4xf32>
  }
  return %x, %c, %g, %g : tensor<4xf32>, tensor<2xi64>, tensor<4xf32>, tensor<4xf32>
}

// -----

// A reshape of a group's result is the group's memory; a transposition is not.
// CHECK-LABEL: func.func @views
// CHECK: %[[G:.*]] = compute.fused
// CHECK: %[[R:.*]] = access.read %[[G]]
// CHECK: %[[H:.*]] = compute.fused
// CHECK: compute.fused pointwise(%[[H]]) {label = "copy to output 1"}
// CHECK: compute.map (%{{.*}} at #access.map<(d0, d1) -> (d1, d0)>)
func.func @views(%x: tensor<2x3xf32>) -> (tensor<6xf32>, tensor<3x2xf32>) {
  %g = compute.fused pointwise(%x) {label = "g"} : (tensor<2x3xf32>) -> tensor<2x3xf32> {
  ^bb0(%a: tensor<2x3xf32>):
    %m = compute.map (%a at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<2x3xf32>) -> tensor<2x3xf32> {
    ^bb0(%e: f32):
      compute.yield %e : f32
    }
    compute.yield %m : tensor<2x3xf32>
  }
  %r = access.read %g at <(d0) -> (d0 floordiv 3, d0 mod 3)> : tensor<2x3xf32> -> tensor<6xf32>
  %h = compute.fused pointwise(%x) {label = "h"} : (tensor<2x3xf32>) -> tensor<2x3xf32> {
  ^bb0(%a: tensor<2x3xf32>):
    %m = compute.map (%a at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<2x3xf32>) -> tensor<2x3xf32> {
    ^bb0(%e: f32):
      compute.yield %e : f32
    }
    compute.yield %m : tensor<2x3xf32>
  }
  %t = access.read %h at <(d0, d1) -> (d1, d0)> : tensor<2x3xf32> -> tensor<3x2xf32>
  return %r, %t : tensor<6xf32>, tensor<3x2xf32>
}
