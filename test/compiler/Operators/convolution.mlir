// RUN: lt-opt --lt-infer-shapes --lt-expand -split-input-file %s | FileCheck %s

// Kernel positions before channels; a kernel dimension of 1 and pads of 0 leave no trace. The output
// size follows the symbol.
// CHECK-LABEL: func.func @groups
// CHECK-SAME: #extent.shape<()[s0] -> (1, 16, (s0 - 1) floordiv 2 + 1, 16)>
// CHECK: %[[SUM:.*]] = compute.contract %{{.*}} at #access.map<(d0, d1, d2, d3, d4, d5) -> (d0, (d1 floordiv 8) * 4 + d5, d2 * 2 + d4 - 1, d3), valid (d0, d1, d2, d3, d4, d5) -> (d2 * 2 + d4 - 1) below (d0, d1, d2, d3, d4, d5)[s0] -> (s0)>
// CHECK-SAME: %{{.*}} at #access.map<(d0, d1, d2, d3, d4, d5) -> (d1, d5, d4, 0)>
// CHECK: compute.map (%[[SUM]] {{.*}}, %{{.*}} at #access.map<(d0, d1, d2, d3) -> (d1)>)
func.func @groups(%x: tensor<1x8x?x16xf16>, %w: tensor<16x4x3x1xf16>, %b: tensor<16xf16>) -> !graph.any {
  %r = graph.node "Conv" version 22 (%x, %w, %b) -> ["r"]
      with {group = 2 : i64, pads = array<i64: 1, 0, 1, 0>, strides = array<i64: 2, 1>}
      : (tensor<1x8x?x16xf16>, tensor<16x4x3x1xf16>, tensor<16xf16>) -> !graph.any
  return %r : !graph.any
}

// -----

// One input channel in each group: only the kernel's positions are folded.
// CHECK-LABEL: func.func @depthwise
// CHECK: compute.contract %{{.*}} at #access.map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4 - 1, d3 + d5 - 1), valid
// CHECK-SAME: %{{.*}} at #access.map<(d0, d1, d2, d3, d4, d5) -> (d1, 0, d4, d5)>
func.func @depthwise(%x: tensor<1x8x9x9xf32>, %w: tensor<8x1x3x3xf32>) -> !graph.any {
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"] with {group = 8 : i64, auto_pad = "SAME_UPPER"}
      : (tensor<1x8x9x9xf32>, tensor<8x1x3x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// A kernel of 1x1 is a matrix product.
// CHECK-LABEL: func.func @pointwise
// CHECK: compute.contract %{{.*}} at #access.map<(d0, d1, d2, d3, d4) -> (d0, d4, d2, d3)>, %{{.*}} at #access.map<(d0, d1, d2, d3, d4) -> (d1, d4, 0, 0)>
func.func @pointwise(%x: tensor<1x8x9x9xf32>, %w: tensor<6x8x1x1xf32>) -> !graph.any {
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"]
      : (tensor<1x8x9x9xf32>, tensor<6x8x1x1xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// Nothing to fold at all: a map.
// CHECK-LABEL: func.func @scaled_channels
// CHECK-NOT: compute.contract
// CHECK: compute.map
// CHECK: arith.mulf
func.func @scaled_channels(%x: tensor<1x8x9xf32>, %w: tensor<8x1x1xf32>) -> !graph.any {
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"] with {group = 8 : i64}
      : (tensor<1x8x9xf32>, tensor<8x1x1xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// With an odd total the pad before is the greater one for SAME_LOWER.
// CHECK-LABEL: func.func @same_lower
// CHECK-SAME: tensor<1x4x5xf32>
// CHECK: (d0, d1, d2, d3, d4) -> (d0, d4, d2 * 2 + d3 - 1), valid
func.func @same_lower(%x: tensor<1x2x10xf32>, %w: tensor<4x2x3xf32>) -> !graph.any {
  %r = graph.node "Conv" version 11 (%x, %w) -> ["r"] with {auto_pad = "SAME_LOWER", strides = array<i64: 2>}
      : (tensor<1x2x10xf32>, tensor<4x2x3xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// A kernel as large as the stride: the positions within a patch are columns of a matrix product.
// CHECK-LABEL: func.func @transposed_tiles
// CHECK: compute.contract %{{.*}} at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d6, d2, d4)>, %{{.*}} at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d6, d1, d3, d5)>
// CHECK: access.read %{{.*}} at <(d0, d1, d2, d3) -> (0, d1, d2 floordiv 2, d2 mod 2, d3 floordiv 2, d3 mod 2)>
func.func @transposed_tiles(%x: tensor<1x4x5x5xf32>, %w: tensor<4x6x2x2xf32>) -> !graph.any {
  %r = graph.node "ConvTranspose" version 11 (%x, %w) -> ["r"] with {strides = array<i64: 2, 2>}
      : (tensor<1x4x5x5xf32>, tensor<4x6x2x2xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// A larger kernel: one product for each phase of the stride, side by side, then read in order.
// CHECK-LABEL: func.func @transposed_overlap
// CHECK: compute.contract %{{.*}} at #access.map<(d0, d1, d2, d3, d4, d5) -> (d0, d5, d2 - d4), valid (d0, d1, d2, d3, d4, d5) -> (d2 - d4) below (d0, d1, d2, d3, d4, d5) -> (5)>, %{{.*}} at #access.map<(d0, d1, d2, d3, d4, d5) -> (d5, d1, d3 + d4 *
// CHECK: access.read %{{.*}} at <(d0, d1, d2) -> (d0, d1, (d2 + 1) floordiv 2, (d2 + 1) mod 2)>
func.func @transposed_overlap(%x: tensor<1x4x5xf32>, %w: tensor<4x6x4xf32>) -> !graph.any {
  %r = graph.node "ConvTranspose" version 11 (%x, %w) -> ["r"] with {strides = array<i64: 2>, pads = array<i64: 1, 1>}
      : (tensor<1x4x5xf32>, tensor<4x6x4xf32>) -> !graph.any
  return %r : !graph.any
}

// -----

// With dilation a position reaches an output only where the stride divides their distance.
// CHECK-LABEL: func.func @transposed_dilated
// CHECK: valid (d0, d1, d2, d3, d4) -> ((d2 - d3 * 3) mod 2, (d2 - d3 * 3) floordiv 2) below (d0, d1, d2, d3, d4) -> (1, 5)>
func.func @transposed_dilated(%x: tensor<1x4x5xf32>, %w: tensor<4x6x4xf32>) -> !graph.any {
  %r = graph.node "ConvTranspose" version 11 (%x, %w) -> ["r"] with {strides = array<i64: 2>, dilations = array<i64: 3>}
      : (tensor<1x4x5xf32>, tensor<4x6x4xf32>) -> !graph.any
  return %r : !graph.any
}
