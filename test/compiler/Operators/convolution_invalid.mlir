// RUN: lt-opt --lt-infer-shapes -split-input-file -verify-diagnostics %s

func.func @channels(%x: tensor<1x3x8x8xf32>, %w: tensor<4x2x3x3xf32>) -> !graph.any {
  // expected-error @+1 {{the channels of input 'X' and those of input 'W' times 'group' differ: 3 and 2}}
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"] : (tensor<1x3x8x8xf32>, tensor<4x2x3x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @too_small(%x: tensor<1x3x8x2xf32>, %w: tensor<4x3x3x3xf32>) -> !graph.any {
  // expected-error @+1 {{spatial dimension 1 of input 'X' is smaller than the kernel: 2 with its pads, expected at least 3}}
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"] : (tensor<1x3x8x2xf32>, tensor<4x3x3x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @strides(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> !graph.any {
  // expected-error @+1 {{attribute 'strides' has 1 numbers, expected 2}}
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"] with {strides = array<i64: 2>} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @dilation(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> !graph.any {
  // expected-error @+1 {{attribute 'dilations' has 0, expected at least 1}}
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"] with {dilations = array<i64: 1, 0>} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @auto_pad(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> !graph.any {
  // expected-error @+1 {{attribute 'auto_pad' is 'SAME', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER}}
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"] with {auto_pad = "SAME"} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @bias(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<3xf32>) -> !graph.any {
  // expected-error @+1 {{the size of input 'B' and the number of channels differ: 3 and 4}}
  %r = graph.node "Conv" version 11 (%x, %w, %b) -> ["r"] : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @kernel_shape(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> !graph.any {
  // expected-error @+1 {{dimension 3 of input 'W' and attribute 'kernel_shape' differ: 3 and 5}}
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"] with {kernel_shape = array<i64: 3, 5>} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @groups(%x: tensor<1x4x8xf32>, %w: tensor<3x2x3xf32>) -> !graph.any {
  // expected-error @+1 {{the remainder of the output channels by 'group' and 0 differ: 1 and 0}}
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"] with {group = 2 : i64} : (tensor<1x4x8xf32>, tensor<3x2x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @integers(%x: tensor<1x4x8xi32>, %w: tensor<4x4x3xi32>) -> !graph.any {
  // expected-error @+1 {{input 'X' has elements of type 'i32', expected f16, bf16, f32 or f64}}
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"] : (tensor<1x4x8xi32>, tensor<4x4x3xi32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @no_spatial(%x: tensor<1x4xf32>, %w: tensor<4x4xf32>) -> !graph.any {
  // expected-error @+1 {{input 'X' has 2 dimensions, expected at least 3}}
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"] : (tensor<1x4xf32>, tensor<4x4xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @transposed_channels(%x: tensor<1x3x8xf32>, %w: tensor<2x4x3xf32>) -> !graph.any {
  // expected-error @+1 {{the channels of inputs 'X' and 'W' differ: 3 and 2}}
  %r = graph.node "ConvTranspose" version 11 (%x, %w) -> ["r"] : (tensor<1x3x8xf32>, tensor<2x4x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @transposed_size(%x: tensor<1x2x1xf32>, %w: tensor<2x4x3xf32>) -> !graph.any {
  // expected-error @+1 {{spatial dimension 0 of the output would be -1}}
  %r = graph.node "ConvTranspose" version 11 (%x, %w) -> ["r"] with {pads = array<i64: 2, 2>} : (tensor<1x2x1xf32>, tensor<2x4x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

func.func @output_shape(%x: tensor<1x2x4xf32>, %w: tensor<2x4x3xf32>) -> !graph.any {
  // expected-error @+1 {{attribute 'output_shape' has 2 numbers, expected 1}}
  %r = graph.node "ConvTranspose" version 11 (%x, %w) -> ["r"] with {output_shape = array<i64: 8, 8>} : (tensor<1x2x4xf32>, tensor<2x4x3xf32>) -> !graph.any
  return %r : !graph.any
}
