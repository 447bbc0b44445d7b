// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand | FileCheck %s

// CHECK-LABEL: func.func @broadcast
// CHECK: compute.map (%{{.*}} at #access.map<(d0, d1, d2) -> (d0, d1, d2)>, %{{.*}} at #access.map<(d0, d1, d2) -> (0, d2)>)
// CHECK-SAME: -> tensor<2x3x4xf32>
// CHECK: arith.mulf
func.func @broadcast(%x: tensor<2x3x4xf32>, %y: tensor<1x4xf32>) -> !graph.any {
  %z = graph.node "Mul" version 14 (%x, %y) -> ["z"] : (tensor<2x3x4xf32>, tensor<1x4xf32>) -> !graph.any
  return %z : !graph.any
}

// -----

// Where a size of 1 is decided at run time, a factor of 0 or 1 stands in the access.
// CHECK-LABEL: func.func @run_time_one
// CHECK: extent.derived [[X:[0-9]+]] = lt
// CHECK: extent.derived [[Y:[0-9]+]] = lt
// CHECK: compute.map (%{{.*}} at #access.map<(d0){{.*}} -> (d0 * s[[X]])>, %{{.*}} at #access.map<(d0){{.*}} -> (d0 * s[[Y]])>)
func.func @run_time_one(%x: tensor<?xf32>, %y: tensor<?xf32>) -> !graph.any {
  %z = graph.node "Add" version 14 (%x, %y) -> ["z"] : (tensor<?xf32>, tensor<?xf32>) -> !graph.any
  return %z : !graph.any
}

// -----

// Version 6 aligns the second operand at an axis.
// CHECK-LABEL: func.func @legacy_axis
// CHECK: %[[R:.*]] = access.read %{{.*}} : tensor<3xf32> -> tensor<3x1xf32>
// CHECK: compute.map (%{{.*}}, %[[R]] at #access.map<(d0, d1, d2) -> (d1, 0)>)
func.func @legacy_axis(%x: tensor<2x3x4xf32>, %y: tensor<3xf32>) -> !graph.any {
  %z = graph.node "Add" version 6 (%x, %y) -> ["z"] with {axis = 1 : i64, broadcast = 1 : i64} : (tensor<2x3x4xf32>, tensor<3xf32>) -> !graph.any
  return %z : !graph.any
}

// -----

// f16 is computed in f32.
// CHECK-LABEL: func.func @widened
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.divf {{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @widened(%x: tensor<2xf16>, %y: tensor<2xf16>) -> !graph.any {
  %z = graph.node "Div" version 14 (%x, %y) -> ["z"] : (tensor<2xf16>, tensor<2xf16>) -> !graph.any
  return %z : !graph.any
}

// -----

// The sign of integers is the element type's; division cannot trap.
// CHECK-LABEL: func.func @integers
// CHECK: arith.cmpi eq, %[[Y:.*]], %{{.*}} : i8
// CHECK: %[[SAFE:.*]] = arith.select %{{.*}}, %{{.*}}, %[[Y]] : i8
// CHECK: arith.divui %{{.*}}, %[[SAFE]] : i8
// CHECK: arith.cmpi ult
// CHECK: arith.maxui
func.func @integers(%x: tensor<2xui8>, %y: tensor<2xui8>) -> (!graph.any, !graph.any, !graph.any) {
  %d = graph.node "Div" version 14 (%x, %y) -> ["d"] : (tensor<2xui8>, tensor<2xui8>) -> !graph.any
  %l = graph.node "Less" version 13 (%x, %y) -> ["l"] : (tensor<2xui8>, tensor<2xui8>) -> !graph.any
  %m = graph.node "Max" version 13 (%x, %y) -> ["m"] : (tensor<2xui8>, tensor<2xui8>) -> !graph.any
  return %d, %l, %m : !graph.any, !graph.any, !graph.any
}

// -----

// CHECK-LABEL: func.func @powers
// CHECK: %[[S:.*]] = arith.mulf %[[X:.*]], %[[X]] : f32
// CHECK-NEXT: compute.yield %[[S]]
// CHECK: math.powf
func.func @powers(%x: tensor<2xf32>) -> (!graph.any, !graph.any) {
  %two = graph.constant dense<2.0> : tensor<f32>
  %half = graph.constant dense<2.5> : tensor<f32>
  %a = graph.node "Pow" version 13 (%x, %two) -> ["a"] : (tensor<2xf32>, tensor<f32>) -> !graph.any
  %b = graph.node "Pow" version 13 (%x, %half) -> ["b"] : (tensor<2xf32>, tensor<f32>) -> !graph.any
  return %a, %b : !graph.any, !graph.any
}

// -----

// Bounds: attributes up to version 6, optional inputs later; a missing bound does not compare.
// CHECK-LABEL: func.func @clip
// CHECK: %[[HIGH:.*]] = arith.constant 6.000000e+00 : f32
// CHECK: arith.minimumf %{{.*}}, %[[HIGH]]
// CHECK-LABEL: func.func @clip_inputs
// CHECK-NOT: arith.maximumf
// CHECK: arith.minimumf
// CHECK: return
func.func @clip(%x: tensor<2xf32>) -> !graph.any {
  %y = graph.node "Clip" version 6 (%x) -> ["y"] with {min = 0.0 : f32, max = 6.0 : f32} : (tensor<2xf32>) -> !graph.any
  return %y : !graph.any
}
func.func @clip_inputs(%x: tensor<2xf32>, %high: tensor<f32>) -> !graph.any {
  %none = graph.none
  %y = graph.node "Clip" version 13 (%x, %none, %high) -> ["y"] : (tensor<2xf32>, none, tensor<f32>) -> !graph.any
  return %y : !graph.any
}
