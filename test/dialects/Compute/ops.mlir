// RUN: lt-opt %s | lt-opt | FileCheck %s
// RUN: lt-opt %s --mlir-print-op-generic | lt-opt | FileCheck %s

// CHECK-LABEL: func @map
func.func @map(%x: tensor<4x8xf32>, %b: tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x8xi1>) {
  // CHECK: compute.map (%arg0 at #access.map<(d0, d1) -> (d0, d1)>, %arg1 at #access.map<(d0, d1) -> (d1 - 1), valid (d0, d1) -> (d1 - 1) below (d0, d1) -> (8)> fill 1.000000e+00 : f32) {note = "kept"} : (tensor<4x8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x8xi1>)
  %z:2 = compute.map (%x at #access.map<(d0, d1) -> (d0, d1)>,
                      %b at #access.map<(d0, d1) -> (d1 - 1), valid (d0, d1) -> (d1 - 1) below (d0, d1) -> (8)> fill 1.0 : f32)
      {note = "kept"} : (tensor<4x8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x8xi1>) {
  // CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[C:.*]]: f32):
  ^bb0(%a: f32, %c: f32):
    // CHECK: compute.index 1
    %i = compute.index 1
    %zero = arith.constant 0 : index
    %first = arith.cmpi eq, %i, %zero : index
    %s = arith.addf %a, %c : f32
    // CHECK: compute.yield %{{.*}}, %{{.*}} : f32, i1
    compute.yield %s, %first : f32, i1
  }
  return %z#0, %z#1 : tensor<4x8xf32>, tensor<4x8xi1>
}

// CHECK-LABEL: func @scale
func.func @scale(%x: tensor<8x2x64xf32>) -> tensor<16x64xf32> {
  %r = compute.reduce add over affine_map<() -> (2)>
      (%x at #access.map<(d0, d1, d2) -> (d0 floordiv 2, d2, d1)>)
      : (tensor<8x2x64xf32>) -> tensor<16x64xf32> {
  ^bb0(%a: f32):
    // CHECK: compute.scale %{{.*}} by dense<{{.*}}> : tensor<2x2xf32> at 0, 2 : f32
    %p = compute.scale %a by dense<[[1.0, 1.0], [1.0, -1.0]]> : tensor<2x2xf32> at 0, 2 : f32
    compute.yield %p : f32
  }
  return %r : tensor<16x64xf32>
}

// A map without operands.
// CHECK-LABEL: func @iota
func.func @iota() -> tensor<5xindex> {
  // CHECK: compute.map () : () -> tensor<5xindex>
  %z = compute.map () : () -> tensor<5xindex> {
    %i = compute.index 0
    compute.yield %i : index
  }
  return %z : tensor<5xindex>
}

// CHECK-LABEL: func @reduce
func.func @reduce(%x: tensor<4x?xf32, #extent.shape<()[s0] -> (4, s0)>>, %u: tensor<4xui8>) -> (tensor<4xf32>, tensor<ui8>) {
  extent.symbol 0 "n" = input 0 dim 1
  // CHECK: compute.reduce max over #[[N:.*]] (%arg0 at #access.map<(d0, d1) -> (d0, d1)>)
  %m = compute.reduce max over affine_map<()[s0] -> (s0)> (%x at #access.map<(d0, d1) -> (d0, d1)>)
      : (tensor<4x?xf32, #extent.shape<()[s0] -> (4, s0)>>) -> tensor<4xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  // CHECK: compute.reduce umin over
  %k = compute.reduce umin over affine_map<() -> (4)> (%u at #access.map<(d0) -> (d0)>) : (tensor<4xui8>) -> tensor<ui8> {
  // CHECK-NEXT: ^bb0(%{{.*}}: i8):
  ^bb0(%a: i8):
    compute.yield %a : i8
  }
  return %m, %k : tensor<4xf32>, tensor<ui8>
}

// CHECK-LABEL: func @contract
func.func @contract(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>) -> tensor<4x16xf32> {
  // CHECK: compute.contract %arg0 at #access.map<(d0, d1, d2) -> (d0, d2)>, %arg1 at #access.map<(d0, d1, d2) -> (d2, d1)> over #{{.*}} : tensor<4x8xf32>, tensor<8x16xf32> -> tensor<4x16xf32>
  %c = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>, %b at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (8)> : tensor<4x8xf32>, tensor<8x16xf32> -> tensor<4x16xf32>
  return %c : tensor<4x16xf32>
}

// CHECK-LABEL: func @fused
func.func @fused(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: compute.fused pointwise(%arg0) {label = "Relu_3", layouts = [array<i64: 1, 0>]} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = compute.fused pointwise(%x) {label = "Relu_3", layouts = [array<i64: 1, 0>]} : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%a: tensor<4x8xf32>):
    %m = compute.map (%a at #access.map<(d0, d1) -> (d0, d1)>) : (tensor<4x8xf32>) -> tensor<4x8xf32> {
    ^bb0(%v: f32):
      %n = arith.negf %v : f32
      compute.yield %n : f32
    }
    // CHECK: compute.yield %{{.*}} : tensor<4x8xf32>
    compute.yield %m : tensor<4x8xf32>
  }
  return %r : tensor<4x8xf32>
}

// CHECK-LABEL: func @classes
func.func @classes(%x: tensor<4xf32>) {
  // CHECK: compute.fused contraction(%arg0)
  %a = compute.fused contraction(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%v: tensor<4xf32>):
    compute.yield %v : tensor<4xf32>
  }
  // CHECK: compute.fused window(%arg0)
  %b = compute.fused window(%x) {layouts = [array<i64>]} : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%v: tensor<4xf32>):
    compute.yield %v : tensor<4xf32>
  }
  // CHECK: compute.fused rows(%arg0)
  %c = compute.fused rows(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%v: tensor<4xf32>):
    compute.yield %v : tensor<4xf32>
  }
  // CHECK: compute.fused(%arg0)
  %d = compute.fused(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%v: tensor<4xf32>):
    compute.yield %v : tensor<4xf32>
  }
  return
}

// CHECK-LABEL: func @grid
func.func @grid(%x: tensor<4x?xf32, #extent.shape<()[s0] -> (4, s0)>>) -> (tensor<4xf32>, tensor<4xi64>) {
  extent.symbol 0 "n" = input 0 dim 1
  // CHECK: compute.grid over #{{.*}} : tensor<4xf32>, tensor<4xi64> {
  // CHECK-NEXT: ^bb0(%[[ROW:.*]]: index, %[[OUT:.*]]: !access.place<tensor<4xf32>>, %[[COUNT:.*]]: !access.place<tensor<4xi64>>):
  %sum:2 = compute.grid over affine_map<() -> (4)> : tensor<4xf32>, tensor<4xi64> {
  ^bb0(%row: index, %out: !access.place<tensor<4xf32>>, %count: !access.place<tensor<4xi64>>):
    %zero = arith.constant 0 : index
    %v = access.load %x[%row, %zero] checked : tensor<4x?xf32, #extent.shape<()[s0] -> (4, s0)>> -> f32
    %positive = arith.cmpf ogt, %v, %v : f32
    // CHECK: compute.require %{{.*}}, value
    compute.require %positive, value
    // CHECK: compute.require %{{.*}}, index
    compute.require %positive, index
    // CHECK: compute.require %{{.*}}, divide
    compute.require %positive, divide
    access.store %v, %out[%row] : f32, !access.place<tensor<4xf32>>
    %n = extent.size affine_map<()[s0] -> (s0)>
    %m = arith.index_cast %n : index to i64
    %bytes = arith.trunci %m : i64 to i32
    // CHECK: compute.dot %{{.*}}, %{{.*}}, %{{.*}}
    %dot = compute.dot %bytes, %bytes, %bytes
    access.store %m, %count[%row] : i64, !access.place<tensor<4xi64>>
  }
  // One point.
  // CHECK: compute.grid over #{{.*}} : tensor<i1> {
  // CHECK-NEXT: ^bb0(%{{.*}}: !access.place<tensor<i1>>):
  %flag = compute.grid over affine_map<() -> ()> : tensor<i1> {
  ^bb0(%out: !access.place<tensor<i1>>):
    %yes = arith.constant true
    access.store %yes, %out[] : i1, !access.place<tensor<i1>>
  }
  return %sum#0, %sum#1 : tensor<4xf32>, tensor<4xi64>
}

func.func private @then(%x: tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> tensor<?xf32, #extent.shape<()[s0] -> (s0)>> {
  extent.symbol 0 "" = input 0 dim 0
  return %x : tensor<?xf32, #extent.shape<()[s0] -> (s0)>>
}

func.func private @body(%i: tensor<i64>, %h: tensor<4xf32>, %x: tensor<2xf32>, %w: tensor<3xf32>) -> (tensor<i1>, tensor<4xf32>, tensor<2xf32>) {
  %c = graph.constant dense<true> : tensor<i1>
  return %c, %h, %x : tensor<i1>, tensor<4xf32>, tensor<2xf32>
}

// CHECK-LABEL: func @control
func.func @control(%c: tensor<i1>, %x: tensor<4xf32>, %y: tensor<9x2xf32>, %w: tensor<3xf32>) {
  extent.bind 0 = %c[0] max 1 : tensor<i1>
  // CHECK: compute.branch #{{.*}}, @then, @then(%arg1) : (tensor<4xf32>) -> tensor<4xf32>
  %r = compute.branch affine_map<()[s0] -> (s0)>, @then, @then(%x) : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: compute.repeat @body #{{.*}} conditional carried(%arg1 : tensor<4xf32>) sliced(%arg2 : tensor<9x2xf32>) invariant(%arg3 : tensor<3xf32>) -> tensor<4xf32>, tensor<9x2xf32>
  %s:2 = compute.repeat @body affine_map<() -> (9)> conditional carried(%x : tensor<4xf32>) sliced(%y : tensor<9x2xf32>) invariant(%w : tensor<3xf32>) -> tensor<4xf32>, tensor<9x2xf32>
  return
}
