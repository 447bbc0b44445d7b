// RUN: lt-opt %s --split-input-file --lt-infer-shapes --lt-expand --verify-diagnostics | FileCheck %s

// Rounded to even, moved by the zero point and clamped to the type.
// CHECK-LABEL: func.func @columns
// CHECK: compute.map (%{{.*}}, %{{.*}} at #access.map<(d0, d1) -> (d1)>, %{{.*}} at #access.map<(d0, d1) -> (d1)>)
// CHECK: arith.divf
// CHECK: math.roundeven
// CHECK: arith.addi
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: return {{.*}} : tensor<4x3xi8
func.func @columns(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %zero: tensor<3xi8>) -> !graph.any {
  %y = graph.node "QuantizeLinear" version 13 (%x, %scale, %zero) -> ["y"]
      : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xi8>) -> !graph.any
  return %y : !graph.any
}

// -----

// CHECK-LABEL: func.func @blocks
// CHECK: compute.map {{.*}} at #access.map<(d0, d1) -> (d0, d1 floordiv 4)>
// CHECK: arith.subi
// CHECK: arith.mulf
// CHECK: return {{.*}} : tensor<2x8xf16
func.func @blocks(%x: tensor<2x8xui4>, %scale: tensor<2x2xf16>, %zero: tensor<2x2xui4>) -> !graph.any {
  %y = graph.node "DequantizeLinear" version 21 (%x, %scale, %zero) -> ["y"] with {axis = 1 : i64, block_size = 4 : i64}
      : (tensor<2x8xui4>, tensor<2x2xf16>, tensor<2x2xui4>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @size(%x: tensor<4x3xi8>, %scale: tensor<4xf32>) -> !graph.any {
  // expected-error @below {{dimension 0 of input 'x_scale' and the data}}
  %y = graph.node "DequantizeLinear" version 13 (%x, %scale) -> ["y"] : (tensor<4x3xi8>, tensor<4xf32>) -> !graph.any
  return %y : !graph.any
}

// -----

func.func @type(%x: tensor<4xf32>, %scale: tensor<f32>) -> !graph.any {
  // expected-error @below {{quantization to 'i64' is not supported}}
  %y = graph.node "QuantizeLinear" version 21 (%x, %scale) -> ["y"] with {output_dtype = 7 : i64}
      : (tensor<4xf32>, tensor<f32>) -> !graph.any
  return %y : !graph.any
}
