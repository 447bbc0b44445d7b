// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand | FileCheck %s

// Out-of-range numbers are held at the integer's bounds before the conversion, NaN becomes 0.
// CHECK-LABEL: func.func @to_i64
// CHECK: arith.cmpf uno
// CHECK: arith.maximumf
// CHECK: %[[V:.*]] = arith.minimumf
// CHECK: arith.fptosi %[[V]] : f32 to i64
func.func @to_i64(%x: tensor<2xf32>) -> !graph.any {
  %y = graph.node "Cast" version 13 (%x) -> ["y"] with {to = 7 : i64} : (tensor<2xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

// CHECK-LABEL: func.func @to_bool
// CHECK: arith.cmpf une
// CHECK: arith.cmpi ne
func.func @to_bool(%x: tensor<2xf32>, %y: tensor<2xui4>) -> (!graph.any, !graph.any) {
  %a = graph.node "Cast" version 13 (%x) -> ["a"] with {to = 9 : i64} : (tensor<2xf32>) -> !graph.any
  %b = graph.node "Cast" version 21 (%y) -> ["b"] with {to = 9 : i64} : (tensor<2xui4>) -> !graph.any
  return %a, %b : !graph.any, !graph.any
}

// -----

// An f64 is rounded once on its way to f16: an odd last bit keeps what the first step drops.
// CHECK-LABEL: func.func @once
// CHECK: arith.truncf %{{.*}} : f64 to f32
// CHECK: arith.bitcast %{{.*}} : f32 to i32
// CHECK: arith.bitcast %{{.*}} : i32 to f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @once(%x: tensor<2xf64>) -> !graph.any {
  %y = graph.node "Cast" version 13 (%x) -> ["y"] with {to = 10 : i64} : (tensor<2xf64>) -> !graph.any
  return %y : !graph.any
}

// -----

// Types of 8 bits are integers inside the region; 126 is the largest finite number of this one and
// 127 its NaN.
// CHECK-LABEL: func.func @saturates
// CHECK: arith.constant 126 : i32
// CHECK: arith.bitcast %{{.*}} : i8 to f8E4M3FN
// CHECK-LABEL: func.func @overflows
// CHECK: %[[OVER:.*]] = arith.cmpi ugt
// CHECK: %[[NAN:.*]] = arith.constant 127 : i32
// CHECK-NEXT: arith.select %{{.*}}, %[[NAN]], %{{.*}} : i32
func.func @saturates(%x: tensor<2xf32>) -> !graph.any {
  %y = graph.node "Cast" version 19 (%x) -> ["y"] with {to = 17 : i64} : (tensor<2xf32>) -> !graph.any
  return %y : !graph.any
}
func.func @overflows(%x: tensor<2xf32>) -> !graph.any {
  %y = graph.node "Cast" version 19 (%x) -> ["y"] with {to = 17 : i64, saturate = 0 : i64} : (tensor<2xf32>) -> !graph.any
  return %y : !graph.any
}
