// RUN: lt-opt %s -split-input-file -verify-diagnostics

func.func @map_c1_count(%x: tensor<4xf32>) {
  // expected-error@+1 {{has 1 inputs, 0 accesses and 1 fills}}
  %z = "compute.map"(%x) ({
  ^bb0(%a: f32):
    "compute.yield"(%a) : (f32) -> ()
  }) {accesses = [], fills = [unit]} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @map_c1_kind(%x: tensor<4xf32>) {
  // expected-error@+1 {{access 0 is not an #access.map}}
  %z = "compute.map"(%x) ({
  ^bb0(%a: f32):
    "compute.yield"(%a) : (f32) -> ()
  }) {accesses = [unit], fills = [unit]} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @map_c1_fill(%x: tensor<4xf32>) {
  // expected-error@+1 {{access 0 has conditions but no fill of type 'f32'}}
  %z = compute.map (%x at #access.map<(d0) -> (d0), valid (d0) -> (d0) below (d0) -> (4)>) : (tensor<4xf32>) -> tensor<5xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return
}

// -----

func.func @map_c2_domain(%x: tensor<4xf32>) {
  // expected-error@+1 {{access 0 maps 2 to 1 dimensions, expected 1 to 1}}
  %z = compute.map (%x at #access.map<(d0, d1) -> (d0)>) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return
}

// -----

func.func @map_c2_indices(%x: tensor<4x4xf32>) {
  // expected-error@+1 {{access 0 maps 1 to 1 dimensions, expected 1 to 2}}
  %z = compute.map (%x at #access.map<(d0) -> (d0)>) : (tensor<4x4xf32>) -> tensor<4xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return
}

// -----

func.func @map_c3_count(%x: tensor<4xf32>) {
  // expected-error@+1 {{has 1 inputs and 2 block arguments}}
  %z = compute.map (%x at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    compute.yield %a : f32
  }
  return
}

// -----

func.func @map_c3_type(%x: tensor<4xui8>) {
  // expected-error@+1 {{block argument 0 is 'ui8', elements are 'i8'}}
  %z = compute.map (%x at #access.map<(d0) -> (d0)>) : (tensor<4xui8>) -> tensor<4xf32> {
  ^bb0(%a: ui8):
    %c = arith.constant 0.0 : f32
    compute.yield %c : f32
  }
  return
}

// -----

func.func @map_c4(%x: tensor<4xf32>) {
  // expected-error@+1 {{results differ in shape}}
  %z:2 = compute.map (%x at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<5xf32>) {
  ^bb0(%a: f32):
    compute.yield %a, %a : f32, f32
  }
  return
}

// -----

func.func @map_c5_count(%x: tensor<4xf32>) {
  // expected-error@+1 {{must yield 1 values}}
  %z = compute.map (%x at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: f32):
    compute.yield %a, %a : f32, f32
  }
  return
}

// -----

func.func @map_c5_type(%x: tensor<4xf32>) {
  // expected-error@+1 {{yields 'f32' for result 0 of 'f16'}}
  %z = compute.map (%x at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<4xf16> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return
}

// -----

func.func @map_results() {
  // expected-error@+1 {{needs a result}}
  compute.map () : () -> () {
    compute.yield
  }
  return
}

// -----

func.func @reduce_c1(%x: tensor<4xf32>) {
  // expected-error@+1 {{has 1 inputs, 1 accesses and 0 fills}}
  %z = "compute.reduce"(%x) ({
  ^bb0(%a: f32):
    "compute.yield"(%a) : (f32) -> ()
  }) {accesses = [#access.map<(d0) -> (d0)>], fills = [], combiner = 0 : i32, extents = affine_map<() -> (4)>}
      : (tensor<4xf32>) -> tensor<f32>
  return
}

// -----

func.func @reduce_c2(%x: tensor<4x8xf32>) {
  // expected-error@+1 {{access 0 maps 1 to 2 dimensions, expected 2 to 2}}
  %z = compute.reduce add over affine_map<() -> (8)> (%x at #access.map<(d0) -> (d0, 0)>) : (tensor<4x8xf32>) -> tensor<4xf32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return
}

// -----

func.func @reduce_c3(%x: tensor<4xf32>) {
  // expected-error@+1 {{block argument 0 is 'f64', elements are 'f32'}}
  %z = compute.reduce add over affine_map<() -> (4)> (%x at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<f64> {
  ^bb0(%a: f64):
    compute.yield %a : f64
  }
  return
}

// -----

func.func @reduce_c4(%x: tensor<4xf32>) {
  // One result, so nothing can differ in shape.
  // expected-error@+1 {{'compute.reduce' op requires one result}}
  %z:2 = "compute.reduce"(%x) ({
  ^bb0(%a: f32):
    "compute.yield"(%a) : (f32) -> ()
  }) {accesses = [#access.map<(d0) -> (d0)>], fills = [unit], combiner = 0 : i32, extents = affine_map<() -> (4)>}
      : (tensor<4xf32>) -> (tensor<f32>, tensor<f32>)
  return
}

// -----

func.func @reduce_c5(%x: tensor<4xf32>) {
  // expected-error@+1 {{yields 'f32' for result 0 of 'f16'}}
  %z = compute.reduce add over affine_map<() -> (4)> (%x at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<f16> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return
}

// -----

func.func @reduce_combiner(%x: tensor<4xf32>) {
  // expected-error@+1 {{'sum' is not a combiner}}
  %z = compute.reduce sum over affine_map<() -> (4)> (%x at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<f32> {
  ^bb0(%a: f32):
    compute.yield %a : f32
  }
  return
}

// -----

func.func @contract_c1(%a: tensor<4x8xf32>, %b: tensor<8x16xf16>) {
  // expected-error@+1 {{operands differ in element type}}
  %c = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>, %b at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (8)> : tensor<4x8xf32>, tensor<8x16xf16> -> tensor<4x16xf32>
  return
}

// -----

func.func @contract_c2_domain(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>) {
  // expected-error@+1 {{lhs access maps 2 to 2 dimensions, expected 3 to 2}}
  %c = compute.contract %a at #access.map<(d0, d1) -> (d0, d1)>, %b at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (8)> : tensor<4x8xf32>, tensor<8x16xf32> -> tensor<4x16xf32>
  return
}

// -----

func.func @contract_c2_indices(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>) {
  // expected-error@+1 {{rhs access maps 3 to 1 dimensions, expected 3 to 2}}
  %c = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>, %b at #access.map<(d0, d1, d2) -> (d2)>
      over affine_map<() -> (8)> : tensor<4x8xf32>, tensor<8x16xf32> -> tensor<4x16xf32>
  return
}

// -----

func.func @contract_access(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>) {
  // expected-error@+1 {{accesses must be #access.map}}
  %c = compute.contract %a at unit, %b at #access.map<(d0, d1, d2) -> (d2, d1)>
      over affine_map<() -> (8)> : tensor<4x8xf32>, tensor<8x16xf32> -> tensor<4x16xf32>
  return
}

// -----

func.func @index_outside() {
  // expected-error@+1 {{must be inside a compute operation}}
  %i = compute.index 0
  return
}

// -----

func.func @index_dim(%x: tensor<4xf32>) {
  %z = compute.reduce add over affine_map<() -> (4)> (%x at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<f32> {
  ^bb0(%a: f32):
    // expected-error@+1 {{dimension 1 is not one of 1}}
    %i = compute.index 1
    compute.yield %a : f32
  }
  return
}

// -----

func.func @fused_c1(%x: tensor<4xf32>) {
  // expected-error@+1 {{block arguments do not match the inputs}}
  %r = compute.fused pointwise(%x) : (tensor<4xf32>) -> tensor<5xf32> {
  ^bb0(%a: tensor<5xf32>):
    compute.yield %a : tensor<5xf32>
  }
  return
}

// -----

func.func @fused_c2(%x: tensor<4xf32>) {
  // expected-error@+1 {{yielded values do not match the results}}
  %r = compute.fused pointwise(%x) : (tensor<4xf32>) -> tensor<5xf32> {
  ^bb0(%a: tensor<4xf32>):
    compute.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @fused_c3_count(%x: tensor<4xf32>) {
  // expected-error@+1 {{needs one layout for each result}}
  %r = compute.fused pointwise(%x) {layouts = []} : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    compute.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @fused_c3_order(%x: tensor<4x5xf32>) {
  // expected-error@+1 {{is not a permutation of 2 dimensions}}
  %r = compute.fused pointwise(%x) {layouts = [array<i64: 1, 1>]} : (tensor<4x5xf32>) -> tensor<4x5xf32> {
  ^bb0(%a: tensor<4x5xf32>):
    compute.yield %a : tensor<4x5xf32>
  }
  return
}

// -----

func.func @fused_c3_kind(%x: tensor<4x5xf32>) {
  // expected-error@+1 {{a layout is a dense array of i64}}
  %r = compute.fused pointwise(%x) {layouts = [[1, 0]]} : (tensor<4x5xf32>) -> tensor<4x5xf32> {
  ^bb0(%a: tensor<4x5xf32>):
    compute.yield %a : tensor<4x5xf32>
  }
  return
}

// -----

func.func @fused_isolated(%x: tensor<4xf32>) {
  // expected-note@+1 {{required by region isolation constraints}}
  %r = compute.fused pointwise() : () -> tensor<4xf32> {
    // expected-error@+1 {{using value defined outside the region}}
    compute.yield %x : tensor<4xf32>
  }
  return
}

// -----

func.func @grid_c1_indices() {
  // expected-error@+1 {{block arguments must be 2 indices and the places of the results}}
  %r = compute.grid over affine_map<() -> (4, 2)> : tensor<4x2xf32> {
  ^bb0(%row: index, %out: !access.place<tensor<4x2xf32>>):
  }
  return
}

// -----

func.func @grid_c1_places() {
  // expected-error@+1 {{block arguments must be 1 indices and the places of the results}}
  %r = compute.grid over affine_map<() -> (4)> : tensor<4xf32> {
  ^bb0(%row: index, %out: !access.place<tensor<4xf64>>):
  }
  return
}

// -----

func.func @grid_c2() {
  // expected-error@+1 {{must yield nothing}}
  %r = compute.grid over affine_map<() -> (4)> : tensor<4xf32> {
  ^bb0(%row: index, %out: !access.place<tensor<4xf32>>):
    compute.yield %row : index
  }
  return
}

// -----

func.func @grid_without_result() {
  // expected-error@+1 {{needs a result}}
  "compute.grid"() <{extents = affine_map<() -> (4)>}> ({
  ^bb0(%row: index):
    "compute.yield"() : () -> ()
  }) : () -> ()
  return
}

// -----

func.func @require_fault(%yes: i1) {
  // expected-error@+1 {{expected string or keyword containing one of the following enum values for attribute 'fault' [index, divide, value]}}
  compute.require %yes, never
  return
}

// -----

func.func @branch_c1(%x: tensor<4xf32>) {
  // expected-error@+1 {{takes one expression of symbols as its condition}}
  compute.branch affine_map<() -> (1, 2)>, @branch_c1, @branch_c1(%x) : (tensor<4xf32>) -> ()
  return
}

// -----

func.func @branch_c2_missing(%x: tensor<4xf32>) {
  // expected-error@+1 {{calls @nowhere, which is no function with a body}}
  compute.branch affine_map<() -> (1)>, @nowhere, @nowhere(%x) : (tensor<4xf32>) -> ()
  return
}

// -----

func.func private @callee(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

func.func @branch_c2_inputs(%x: tensor<4xf64>) {
  // expected-error@+1 {{input 0 is 'tensor<4xf64>', that of @callee is 'tensor<4xf32>'}}
  %r = compute.branch affine_map<() -> (1)>, @callee, @callee(%x) : (tensor<4xf64>) -> tensor<4xf32>
  return
}

// -----

func.func private @callee(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

func.func @branch_c2_results(%x: tensor<4xf32>) {
  // expected-error@+1 {{has 0 results, @callee has 1}}
  compute.branch affine_map<() -> (1)>, @callee, @callee(%x) : (tensor<4xf32>) -> ()
  return
}

// -----

func.func private @body(%i: tensor<i64>, %x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

func.func @repeat_c1(%x: tensor<4xf32>) {
  // expected-error@+1 {{takes one expression of symbols as its number of trips}}
  %r = compute.repeat @body affine_map<(d0) -> (d0)> carried(%x : tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func private @body(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

func.func @repeat_c2_trip(%x: tensor<4xf32>) {
  // expected-error@+1 {{@body does not take the number of the trip first}}
  %r = compute.repeat @body affine_map<() -> (3)> carried(%x : tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func private @body(%i: tensor<i64>, %x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

func.func @repeat_c2_condition(%x: tensor<4xf32>) {
  // expected-error@+1 {{@body does not give a condition first}}
  %r = compute.repeat @body affine_map<() -> (3)> conditional carried(%x : tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func private @body(%i: tensor<i64>, %x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

func.func @repeat_c2_results(%x: tensor<4xf32>) {
  // expected-error@+1 {{carries 1 values and has 0 results}}
  compute.repeat @body affine_map<() -> (3)> carried(%x : tensor<4xf32>)
  return
}

// -----

func.func @scale_outside(%a: f32) -> f32 {
  // expected-error@+1 {{must be inside a compute operation}}
  %p = compute.scale %a by dense<1.0> : tensor<2x2xf32> at 0, 1 : f32
  return %p : f32
}

// -----

func.func @scale_by_dimension(%x: tensor<4xf32>) -> tensor<4xf32> {
  %r = compute.map (%x at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: f32):
    // expected-error@+1 {{dimension 1 is not one of 1}}
    %p = compute.scale %a by dense<1.0> : tensor<2x2xf32> at 0, 1 : f32
    compute.yield %p : f32
  }
  return %r : tensor<4xf32>
}

// -----

func.func @scale_by_row(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %r = compute.map (%x at #access.map<(d0, d1) -> (d0, d1)>)
      : (tensor<4x4xf32>) -> tensor<4x4xf32> {
  ^bb0(%a: f32):
    // expected-error@+1 {{has a table 'tensor<4xf32>', not a matrix of 'f32'}}
    %p = compute.scale %a by dense<1.0> : tensor<4xf32> at 0, 1 : f32
    compute.yield %p : f32
  }
  return %r : tensor<4x4xf32>
}
