// RUN: lt-opt %s --lt-form-groups -split-input-file | FileCheck %s

// Softmax: maximum, exponential, sum and quotient work on the same rows.
// CHECK-LABEL: func @softmax
// CHECK: %[[R:.*]] = compute.fused rows(%arg0)
// CHECK-COUNT-2: compute.reduce
// CHECK-NOT: compute.fused
// CHECK: return %[[R]]
func.func @softmax(%x: tensor<4x128x128xf32>) -> tensor<4x128x128xf32> {
  %max = compute.reduce max over affine_map<() -> (128)> (%x at #access.map<(d0, d1, d2) -> (d0, d1, d2)>)
      : (tensor<4x128x128xf32>) -> tensor<4x128xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  %e = compute.map (%x at #access.map<(d0, d1, d2) -> (d0, d1, d2)>, %max at #access.map<(d0, d1, d2) -> (d0, d1)>)
      : (tensor<4x128x128xf32>, tensor<4x128xf32>) -> tensor<4x128x128xf32> {
  ^bb0(%a: f32, %m: f32):
    %d = arith.subf %a, %m : f32
    %p = math.exp %d : f32
    compute.yield %p : f32
  }
  %sum = compute.reduce add over affine_map<() -> (128)> (%e at #access.map<(d0, d1, d2) -> (d0, d1, d2)>)
      : (tensor<4x128x128xf32>) -> tensor<4x128xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  %q = compute.map (%e at #access.map<(d0, d1, d2) -> (d0, d1, d2)>, %sum at #access.map<(d0, d1, d2) -> (d0, d1)>)
      : (tensor<4x128x128xf32>, tensor<4x128xf32>) -> tensor<4x128x128xf32> {
  ^bb0(%a: f32, %m: f32):
    %d = arith.divf %a, %m : f32
    compute.yield %d : f32
  }
  return %q : tensor<4x128x128xf32>
}

// -----

// Layer normalisation with a scale before it and a product with weights after it: one group. The
// statistics keep the reduced dimension with size 1, the mean is yielded.
// CHECK-LABEL: func @layer_norm
// CHECK: %[[R:.*]]:2 = compute.fused rows(%arg0, %arg1)
// CHECK-NOT: compute.fused
// CHECK: return %[[R]]#1, %[[R]]#0
func.func @layer_norm(%x: tensor<?x64xf32, #extent.shape<()[s0] -> (s0, 64)>>, %w: tensor<64xf32>)
    -> (tensor<?x64xf32, #extent.shape<()[s0] -> (s0, 64)>>, tensor<?x1xf32, #extent.shape<()[s0] -> (s0, 1)>>) {
  extent.symbol 0 "rows" = input 0 dim 0 min 1
  %p = compute.map (%x at #access.map<(d0, d1) -> (d0, d1)>)
      : (tensor<?x64xf32, #extent.shape<()[s0] -> (s0, 64)>>) -> tensor<?x64xf32, #extent.shape<()[s0] -> (s0, 64)>> {
  ^bb0(%a: f32):
    %half = arith.constant 0.5 : f32
    %s = arith.mulf %a, %half : f32
    compute.yield %s : f32
  }
  %sum = compute.reduce add over affine_map<() -> (64)> (%p at #access.map<(d0, d1, d2) -> (d0, d2)>)
      : (tensor<?x64xf32, #extent.shape<()[s0] -> (s0, 64)>>) -> tensor<?x1xf32, #extent.shape<()[s0] -> (s0, 1)>> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  %mean = compute.map (%sum at #access.map<(d0, d1) -> (d0, d1)>)
      : (tensor<?x1xf32, #extent.shape<()[s0] -> (s0, 1)>>) -> tensor<?x1xf32, #extent.shape<()[s0] -> (s0, 1)>> {
  ^bb0(%a: f32):
    %n = arith.constant 64.0 : f32
    %m = arith.divf %a, %n : f32
    compute.yield %m : f32
  }
  %d = compute.map (%p at #access.map<(d0, d1) -> (d0, d1)>, %mean at #access.map<(d0, d1) -> (d0, 0)>)
      : (tensor<?x64xf32, #extent.shape<()[s0] -> (s0, 64)>>, tensor<?x1xf32, #extent.shape<()[s0] -> (s0, 1)>>)
      -> tensor<?x64xf32, #extent.shape<()[s0] -> (s0, 64)>> {
  ^bb0(%a: f32, %m: f32):
    %s = arith.subf %a, %m : f32
    compute.yield %s : f32
  }
  %var = compute.reduce add over affine_map<() -> (64)> (%d at #access.map<(d0, d1, d2) -> (d0, d2)>)
      : (tensor<?x64xf32, #extent.shape<()[s0] -> (s0, 64)>>) -> tensor<?x1xf32, #extent.shape<()[s0] -> (s0, 1)>> {
  ^bb0(%a: f32):
    %s = arith.mulf %a, %a : f32
    compute.yield %s : f32
  }
  %n = compute.map (%d at #access.map<(d0, d1) -> (d0, d1)>, %var at #access.map<(d0, d1) -> (d0, 0)>,
                    %w at #access.map<(d0, d1) -> (d1)>)
      : (tensor<?x64xf32, #extent.shape<()[s0] -> (s0, 64)>>, tensor<?x1xf32, #extent.shape<()[s0] -> (s0, 1)>>,
         tensor<64xf32>) -> tensor<?x64xf32, #extent.shape<()[s0] -> (s0, 64)>> {
  ^bb0(%a: f32, %v: f32, %k: f32):
    %r = math.rsqrt %v : f32
    %s = arith.mulf %a, %r : f32
    %t = arith.mulf %s, %k : f32
    compute.yield %t : f32
  }
  return %n, %mean : tensor<?x64xf32, #extent.shape<()[s0] -> (s0, 64)>>, tensor<?x1xf32, #extent.shape<()[s0] -> (s0, 1)>>
}

// -----

// A convolution with bias and activation; the names of the nodes become the label.
// CHECK-LABEL: func @conv
// CHECK: %[[R:.*]] = compute.fused contraction(%arg0, %arg1, %arg2) {label = "Conv_0+Relu_1"}
// CHECK: compute.contract
// CHECK: compute.map
// CHECK: compute.map
// CHECK-NOT: compute.fused
// CHECK: return %[[R]]
func.func @conv(%x: tensor<1x16x32x32xf32>, %w: tensor<8x16x3x3xf32>, %b: tensor<8xf32>) -> tensor<1x8x30x30xf32> {
  %c = compute.contract %x at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d6, d2 + d4, d3 + d5)>,
      %w at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d6, d4, d5)>
      over affine_map<() -> (3, 3, 16)> : tensor<1x16x32x32xf32>, tensor<8x16x3x3xf32> -> tensor<1x8x30x30xf32> loc("Conv_0")
  %s = compute.map (%c at #access.map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, %b at #access.map<(d0, d1, d2, d3) -> (d1)>)
      : (tensor<1x8x30x30xf32>, tensor<8xf32>) -> tensor<1x8x30x30xf32> {
  ^bb0(%a: f32, %d: f32):
    %t = arith.addf %a, %d : f32
    compute.yield %t : f32
  } loc("Conv_0")
  %r = compute.map (%s at #access.map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>)
      : (tensor<1x8x30x30xf32>) -> tensor<1x8x30x30xf32> {
  ^bb0(%a: f32):
    %z = arith.constant 0.0 : f32
    %t = arith.maximumf %a, %z : f32
    compute.yield %t : f32
  } loc("Relu_1")
  return %r : tensor<1x8x30x30xf32>
}

// -----

// Two products meet in a sum: the later one takes it, the other is its input.
// CHECK-LABEL: func @residual
// CHECK: %[[A:.*]] = compute.fused contraction(%arg0, %arg1)
// CHECK: %[[B:.*]] = compute.fused contraction(%arg0, %arg2, %[[A]])
// CHECK: arith.addf
// CHECK: return %[[B]]
func.func @residual(%x: tensor<8x16xf32>, %v: tensor<16x4xf32>, %w: tensor<16x4xf32>) -> tensor<8x4xf32> {
  %a = compute.contract %x at #access.map<(d0, d1, d2) -> (d0, d2)>, %v at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (16)> : tensor<8x16xf32>, tensor<16x4xf32> -> tensor<8x4xf32>
  %b = compute.contract %x at #access.map<(d0, d1, d2) -> (d0, d2)>, %w at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (16)> : tensor<8x16xf32>, tensor<16x4xf32> -> tensor<8x4xf32>
  %s = compute.map (%a at #access.map<(d0, d1) -> (d0, d1)>, %b at #access.map<(d0, d1) -> (d0, d1)>)
      : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32> {
  ^bb0(%p: f32, %q: f32):
    %t = arith.addf %p, %q : f32
    compute.yield %t : f32
  }
  return %s : tensor<8x4xf32>
}

// -----

// A result with another reader is stored too: x * sigmoid(x), then a product that reads it again.
// CHECK-LABEL: func @used_twice
// CHECK: %[[A:.*]]:2 = compute.fused contraction(%arg0, %arg1)
// CHECK: compute.yield %{{.*}}, %{{.*}} : tensor<8x4xf32>, tensor<8x4xf32>
// CHECK: return %[[A]]#1, %[[A]]#0
func.func @used_twice(%x: tensor<8x16xf32>, %w: tensor<16x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %c = compute.contract %x at #access.map<(d0, d1, d2) -> (d0, d2)>, %w at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (16)> : tensor<8x16xf32>, tensor<16x4xf32> -> tensor<8x4xf32>
  %s = compute.map (%c at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<8x4xf32>) -> tensor<8x4xf32> {
  ^bb0(%p: f32):
    %t = arith.negf %p : f32
    compute.yield %t : f32
  }
  return %s, %c : tensor<8x4xf32>, tensor<8x4xf32>
}

// -----

// The gate of a channel depends on all of the convolution's result, so the product with it waits for
// another group: fusing it with the convolution would be a cycle.
// CHECK-LABEL: func @squeeze
// CHECK: %[[C:.*]] = compute.fused contraction(%arg0, %arg1)
// CHECK: %[[G:.*]] = compute.fused window(%[[C]])
// CHECK: %[[P:.*]] = compute.fused pointwise(%[[C]], %[[G]])
// CHECK: return %[[P]]
func.func @squeeze(%x: tensor<64x16xf32>, %w: tensor<16x4xf32>) -> tensor<64x4xf32> {
  %c = compute.contract %x at #access.map<(d0, d1, d2) -> (d0, d2)>, %w at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (16)> : tensor<64x16xf32>, tensor<16x4xf32> -> tensor<64x4xf32>
  %g = compute.reduce add over affine_map<() -> (64)> (%c at #access.map<(d0, d1) -> (d1, d0)>)
      : (tensor<64x4xf32>) -> tensor<4xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  %p = compute.map (%c at #access.map<(d0, d1) -> (d0, d1)>, %g at #access.map<(d0, d1) -> (d1)>)
      : (tensor<64x4xf32>, tensor<4xf32>) -> tensor<64x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %t = arith.mulf %a, %b : f32
    compute.yield %t : f32
  }
  return %p : tensor<64x4xf32>
}

// -----

// A depthwise convolution has no column of its own: a reduction in windows, with its activation.
// CHECK-LABEL: func @depthwise
// CHECK: compute.fused window(%arg0, %arg1)
// CHECK: compute.reduce add over
// CHECK: arith.mulf
// CHECK: compute.map
// CHECK-NOT: compute.fused
func.func @depthwise(%x: tensor<1x8x10x10xf32>, %w: tensor<8x3x3xf32>) -> tensor<1x8x8x8xf32> {
  %c = compute.contract %x at #access.map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4 - 1, d3 + d5 - 1),
          valid (d0, d1, d2, d3, d4, d5) -> (d2 + d4 - 1, d3 + d5 - 1) below (d0, d1, d2, d3, d4, d5) -> (10, 10)>,
      %w at #access.map<(d0, d1, d2, d3, d4, d5) -> (d1, d4, d5)>
      over affine_map<() -> (3, 3)> : tensor<1x8x10x10xf32>, tensor<8x3x3xf32> -> tensor<1x8x8x8xf32>
  %r = compute.map (%c at #access.map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>)
      : (tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32> {
  ^bb0(%a: f32):
    %t = arith.negf %a : f32
    compute.yield %t : f32
  }
  return %r : tensor<1x8x8x8xf32>
}

// -----

// A matrix times a vector reduces along rows; matrices of integers are multiplied like others.
// CHECK-LABEL: func @products
// CHECK: compute.fused rows(%arg0, %arg1)
// CHECK: compute.reduce add
// CHECK: compute.fused contraction(%arg2, %arg3) : (tensor<4x8xui8>, tensor<6x8xui8>) -> tensor<4x6xi32>
// CHECK: compute.contract
func.func @products(%m: tensor<32x64xf32>, %v: tensor<64xf32>, %a: tensor<4x8xui8>, %b: tensor<6x8xui8>)
    -> (tensor<32xf32>, tensor<4x6xi32>) {
  %p = compute.contract %m at #access.map<(d0, d1) -> (d0, d1)>, %v at #access.map<(d0, d1) -> (d1)>
      over affine_map<() -> (64)> : tensor<32x64xf32>, tensor<64xf32> -> tensor<32xf32>
  %q = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>, %b at #access.map<(d0, d1, d2) -> (d1, d2)>
      over affine_map<() -> (8)> : tensor<4x8xui8>, tensor<6x8xui8> -> tensor<4x6xi32>
  return %p, %q : tensor<32xf32>, tensor<4x6xi32>
}

// -----

// A vector times a matrix: the matrix's columns are the contraction's, whichever side it is on.
// CHECK-LABEL: func @vector_times_matrix
// CHECK: compute.fused contraction(%arg1, %arg0)
// CHECK: compute.contract %{{.*}} at #access.map<(d0, d1) -> (d1)>, %{{.*}} at #access.map<(d0, d1) -> (d1, d0)>
func.func @vector_times_matrix(%m: tensor<64x32xf32>, %v: tensor<64xf32>) -> tensor<32xf32> {
  %p = compute.contract %m at #access.map<(d0, d1) -> (d1, d0)>, %v at #access.map<(d0, d1) -> (d1)>
      over affine_map<() -> (64)> : tensor<64x32xf32>, tensor<64xf32> -> tensor<32xf32>
  return %p : tensor<32xf32>
}

// -----

// Prologues: into a reduction, but not into a contraction, whose operands are read many times.
// CHECK-LABEL: func @prologues
// CHECK: %[[P:.*]] = compute.fused pointwise(%arg0)
// CHECK: compute.fused contraction(%[[P]], %arg1)
// CHECK: compute.fused rows(%arg0)
// CHECK-NEXT: ^bb0
// CHECK-NEXT: compute.map
// CHECK: compute.reduce
func.func @prologues(%x: tensor<8x16xf32>, %w: tensor<16x4xf32>) -> (tensor<8x4xf32>, tensor<8xf32>) {
  %p = compute.map (%x at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<8x16xf32>) -> tensor<8x16xf32> {
  ^bb0(%a: f32):
    %t = math.exp %a : f32
    compute.yield %t : f32
  }
  %c = compute.contract %p at #access.map<(d0, d1, d2) -> (d0, d2)>, %w at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (16)> : tensor<8x16xf32>, tensor<16x4xf32> -> tensor<8x4xf32>
  %q = compute.map (%x at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<8x16xf32>) -> tensor<8x16xf32> {
  ^bb0(%a: f32):
    %t = math.tanh %a : f32
    compute.yield %t : f32
  }
  %s = compute.reduce add over affine_map<() -> (16)> (%q at #access.map<(d0, d1) -> (d0, d1)>)
      : (tensor<8x16xf32>) -> tensor<8xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return %c, %s : tensor<8x4xf32>, tensor<8xf32>
}

// -----

// A chain of maps; one of them is read elsewhere too, in a pooling window.
// CHECK-LABEL: func @chain
// CHECK: %[[P:.*]]:2 = compute.fused pointwise(%arg0)
// CHECK: %[[M:.*]] = compute.fused window(%[[P]]#0)
// CHECK: return %[[P]]#1, %[[M]]
func.func @chain(%x: tensor<8x16xf32>) -> (tensor<8x16xf32>, tensor<8x15xf32>) {
  %p = compute.map (%x at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<8x16xf32>) -> tensor<8x16xf32> {
  ^bb0(%a: f32):
    %t = math.exp %a : f32
    compute.yield %t : f32
  }
  %q = compute.map (%p at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<8x16xf32>) -> tensor<8x16xf32> {
  ^bb0(%a: f32):
    %t = math.tanh %a : f32
    compute.yield %t : f32
  }
  %m = compute.reduce max over affine_map<() -> (2)> (%p at #access.map<(d0, d1, d2) -> (d0, d1 + d2)>)
      : (tensor<8x16xf32>) -> tensor<8x15xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return %q, %m : tensor<8x16xf32>, tensor<8x15xf32>
}

// -----

// Read through a transposition by one map, a map is computed there. Read by a broadcast, it is only
// if it is trivial.
// CHECK-LABEL: func @other_points
// CHECK: %[[E:.*]] = compute.fused pointwise(%arg0)
// CHECK-NEXT: ^bb0
// CHECK-NEXT: compute.map
// CHECK-NEXT: ^bb0
// CHECK-NEXT: math.exp
// CHECK: compute.fused pointwise(%arg1, %arg2, %[[E]])
// CHECK-COUNT-3: compute.map
// CHECK-NOT: compute.fused
func.func @other_points(%b: tensor<6xf32>, %x: tensor<6x4xf32>, %k: tensor<6xf32>) -> tensor<4x6xf32> {
  %t = compute.map (%x at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<6x4xf32>) -> tensor<6x4xf32> {
  ^bb0(%a: f32):
    %y = math.tanh %a : f32
    compute.yield %y : f32
  }
  %e = compute.map (%b at #access.map<(d0) -> (d0)>) : (tensor<6xf32>) -> tensor<6xf32> {
  ^bb0(%a: f32):
    %y = math.exp %a : f32
    compute.yield %y : f32
  }
  %n = compute.map (%k at #access.map<(d0) -> (d0)>) : (tensor<6xf32>) -> tensor<6xf32> {
  ^bb0(%a: f32):
    %y = arith.negf %a : f32
    compute.yield %y : f32
  }
  %r = compute.map (%t at #access.map<(d0, d1) -> (d1, d0)>, %e at #access.map<(d0, d1) -> (d1)>,
                    %n at #access.map<(d0, d1) -> (d1)>)
      : (tensor<6x4xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<4x6xf32> {
  ^bb0(%a: f32, %c: f32, %d: f32):
    %y = arith.addf %a, %c : f32
    %z = arith.addf %y, %d : f32
    compute.yield %z : f32
  }
  return %r : tensor<4x6xf32>
}

// -----

// What is loaded at computed indices must be in memory.
// CHECK-LABEL: func @table
// CHECK: %[[T:.*]] = compute.fused pointwise(%arg0)
// CHECK: compute.fused pointwise(%arg1, %[[T]])
func.func @table(%t: tensor<6xf32>, %i: tensor<6xindex>) -> tensor<6xf32> {
  %n = compute.map (%t at #access.map<(d0) -> (d0)>) : (tensor<6xf32>) -> tensor<6xf32> {
  ^bb0(%a: f32):
    %y = arith.negf %a : f32
    compute.yield %y : f32
  }
  %g = compute.map (%i at #access.map<(d0) -> (d0)>) : (tensor<6xindex>) -> tensor<6xf32> {
  ^bb0(%a: index):
    %y = access.load %n[%a] : tensor<6xf32> -> f32
    compute.yield %y : f32
  }
  return %g : tensor<6xf32>
}

// -----

// A symbol that is bound to computed data divides the code: what needs it comes after it, what it
// needs before, and no group holds both.
// CHECK-LABEL: func @bound
// CHECK: %[[A:.*]] = compute.fused pointwise(%arg0)
// CHECK: extent.bind 0 = %[[A]][0]
// CHECK: compute.fused pointwise(%{{.*}}, %[[A]])
func.func @bound(%x: tensor<4xi64>, %y: tensor<4xi64>) -> tensor<4xi64> {
  %a = compute.map (%x at #access.map<(d0) -> (d0)>) : (tensor<4xi64>) -> tensor<4xi64> {
  ^bb0(%v: i64):
    %t = arith.addi %v, %v : i64
    compute.yield %t : i64
  }
  extent.bind 0 = %a[0] : tensor<4xi64>
  %b = compute.map (%y at #access.map<(d0)[s0] -> (d0 mod s0)>, %a at #access.map<(d0) -> (d0)>)
      : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64> {
  ^bb0(%v: i64, %w: i64):
    %t = arith.addi %v, %w : i64
    compute.yield %t : i64
  }
  return %b : tensor<4xi64>
}

// -----

// Reads that are left over: a transposition is copied, a reshape is the same memory.
// CHECK-LABEL: func @left_over
// CHECK: %[[T:.*]] = compute.fused pointwise(%arg0)
// CHECK: %[[R:.*]] = access.read %arg0
// CHECK: return %[[T]], %[[R]]
func.func @left_over(%x: tensor<4x6xf32>) -> (tensor<6x4xf32>, tensor<24xf32>) {
  %t = access.read %x at <(d0, d1) -> (d1, d0)> : tensor<4x6xf32> -> tensor<6x4xf32>
  %r = access.read %x at <(d0) -> (d0 floordiv 6, d0 mod 6)> : tensor<4x6xf32> -> tensor<24xf32>
  return %t, %r : tensor<6x4xf32>, tensor<24xf32>
}

// -----

// A sum of everything is one row: the map after it is done in parallel, by itself.
// CHECK-LABEL: func @one_row
// CHECK: compute.fused rows
// CHECK: compute.fused pointwise
func.func @one_row(%x: tensor<1000x1000xf32>) -> tensor<1000x1000xf32> {
  %s = compute.reduce add over affine_map<() -> (1000, 1000)> (%x at #access.map<(d0, d1) -> (d0, d1)>)
      : (tensor<1000x1000xf32>) -> tensor<f32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  %m = compute.map (%x at #access.map<(d0, d1) -> (d0, d1)>, %s at #access.map<(d0, d1) -> ()>)
      : (tensor<1000x1000xf32>, tensor<f32>) -> tensor<1000x1000xf32> {
  ^bb0(%a: f32, %b: f32):
    %d = arith.divf %a, %b : f32
    compute.yield %d : f32
  }
  return %m : tensor<1000x1000xf32>
}

// -----

// The mean of each channel of a convolution's result: channels are neighbours in memory there.
// CHECK-LABEL: func @global_average
// CHECK: %[[C:.*]] = compute.fused contraction
// CHECK: compute.fused window(%[[C]])
func.func @global_average(%x: tensor<1x16x9x9xf32>, %w: tensor<8x16xf32>) -> tensor<1x8xf32> {
  %c = compute.contract %x at #access.map<(d0, d1, d2, d3, d4) -> (d0, d4, d2, d3)>,
      %w at #access.map<(d0, d1, d2, d3, d4) -> (d1, d4)>
      over affine_map<() -> (16)> : tensor<1x16x9x9xf32>, tensor<8x16xf32> -> tensor<1x8x9x9xf32>
  %m = compute.reduce add over affine_map<() -> (9, 9)> (%c at #access.map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>)
      : (tensor<1x8x9x9xf32>) -> tensor<1x8xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return %m : tensor<1x8xf32>
}

// -----

// Constants that a region captured go into it.
// CHECK-LABEL: func @captured
// CHECK: compute.fused pointwise(%arg0)
// CHECK-NEXT: ^bb0
// CHECK-NEXT: compute.map
// CHECK-NEXT: ^bb0
// CHECK-NEXT: arith.constant 2.0
// CHECK-NEXT: arith.mulf
func.func @captured(%x: tensor<6xf32>) -> tensor<6xf32> {
  %two = arith.constant 2.0 : f32
  %m = compute.map (%x at #access.map<(d0) -> (d0)>) : (tensor<6xf32>) -> tensor<6xf32> {
  ^bb0(%a: f32):
    %y = arith.mulf %a, %two : f32
    compute.yield %y : f32
  }
  return %m : tensor<6xf32>
}

// -----

// What constants alone give is computed once, when the model is compiled, not in its reader.
// CHECK-LABEL: func.func @constants_stay_apart
// CHECK: %[[C:.*]] = compute.fused pointwise(%{{.*}}, %{{.*}})
// CHECK: compute.fused pointwise(%arg0, %[[C]])
func.func @constants_stay_apart(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = graph.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %b = graph.constant dense<[5.0, 6.0, 7.0, 8.0]> : tensor<4xf32>
  %c = compute.map (%a at #access.map<(d0) -> (d0)>, %b at #access.map<(d0) -> (d0)>) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%p: f32, %q: f32):
    %m = arith.mulf %p, %q : f32
    compute.yield %m : f32
  }
  %r = compute.map (%x at #access.map<(d0) -> (d0)>, %c at #access.map<(d0) -> (d0)>) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%p: f32, %q: f32):
    %m = arith.addf %p, %q : f32
    compute.yield %m : f32
  }
  return %r : tensor<4xf32>
}

// -----

// The groups of a grouped convolution are a batch of products. One channel for each group is a
// window: an image is no matrix to be packed, although its last dimension is not reduced.
// CHECK-LABEL: func @grouped
// CHECK: compute.fused contraction(%arg0, %arg1)
// CHECK: compute.fused window(%arg0, %arg2)
func.func @grouped(%x: tensor<1x12x8x8xf32>, %w: tensor<24x4x3x3xf32>, %v: tensor<12x3x3xf32>)
    -> (tensor<1x24x6x6xf32>, tensor<1x12x6x6xf32>) {
  %g = compute.contract %x at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, (d1 floordiv 8) * 4 + d6, d2 + d4, d3 + d5)>,
      %w at #access.map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d6, d4, d5)>
      over affine_map<() -> (3, 3, 4)> : tensor<1x12x8x8xf32>, tensor<24x4x3x3xf32> -> tensor<1x24x6x6xf32>
  %d = compute.contract %x at #access.map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2 + d4, d3 + d5)>,
      %v at #access.map<(d0, d1, d2, d3, d4, d5) -> (d1, d4, d5)>
      over affine_map<() -> (3, 3)> : tensor<1x12x8x8xf32>, tensor<12x3x3xf32> -> tensor<1x12x6x6xf32>
  return %g, %d : tensor<1x24x6x6xf32>, tensor<1x12x6x6xf32>
}

// -----

// What a product is multiplied by at its own point is computed there, however much work it is.
// CHECK-LABEL: func @factor_at_same_point
// CHECK: compute.fused contraction
// CHECK: math.exp
// CHECK-NOT: compute.fused
func.func @factor_at_same_point(%x: tensor<64x32xf32>, %w: tensor<32x16xf32>, %d: tensor<64x16xf32>) -> tensor<64x16xf32> {
  %s = compute.contract %x at #access.map<(d0, d1, d2) -> (d0, d2)>, %w at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (32)> : tensor<64x32xf32>, tensor<32x16xf32> -> tensor<64x16xf32>
  %e = compute.map (%d at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<64x16xf32>) -> tensor<64x16xf32> {
  ^bb0(%p: f32):
    %m = math.exp %p : f32
    compute.yield %m : f32
  }
  %r = compute.map (%s at #access.map<(d0, d1) -> (d0, d1)>, %e at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<64x16xf32>, tensor<64x16xf32>) -> tensor<64x16xf32> {
  ^bb0(%p: f32, %q: f32):
    %m = arith.mulf %p, %q : f32
    compute.yield %m : f32
  }
  return %r : tensor<64x16xf32>
}

// -----

// Rows of two elements leave vectors idle: their lanes lie along the results.
// CHECK-LABEL: func @short_rows
// CHECK: compute.fused window
func.func @short_rows(%x: tensor<100x2xf32>) -> tensor<100xf32> {
  %r = compute.reduce mul over affine_map<() -> (2)> (%x at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<100x2xf32>) -> tensor<100xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return %r : tensor<100xf32>
}

// -----

// What is spread from rows and columns lies in rows: a reduction of its columns takes whole rows.
// CHECK-LABEL: func @columns_of_spread
// CHECK: compute.fused window
func.func @columns_of_spread(%x: tensor<100xf32>, %y: tensor<100x100xf32>) -> tensor<100xf32> {
  %s = compute.map (%x at #access.map<(d0, d1) -> (d0)>, %x at #access.map<(d0, d1) -> (d1)>) : (tensor<100xf32>, tensor<100xf32>) -> tensor<100x100xf32> {
  ^bb0(%a: f32, %b: f32):
    %t = arith.addf %a, %b : f32
    compute.yield %t : f32
  }
  %r = compute.reduce max over affine_map<() -> (100)> (%s at #access.map<(d0, d1) -> (d1, d0)>) : (tensor<100x100xf32>) -> tensor<100xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return %r : tensor<100xf32>
}
