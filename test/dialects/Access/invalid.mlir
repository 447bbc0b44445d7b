// RUN: lt-opt %s -split-input-file -verify-diagnostics

func.func @map_c1(%x: tensor<4xf32>) {
  // expected-error@+1 {{there are 2 conditions and 1 bounds}}
  %r = access.read %x at <(d0) -> (d0), valid (d0) -> (d0, d0) below (d0) -> (4)> fill 0.0 : f32 : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @map_c2(%x: tensor<4xf32>) {
  // expected-error@+1 {{the conditions and the map differ in dimensions}}
  %r = access.read %x at <(d0) -> (d0), valid (d0, d1) -> (d0) below (d0) -> (4)> fill 0.0 : f32 : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @read_c1(%x: tensor<4x5xf32>) {
  // expected-error@+1 {{map has 2 dimensions, result has 1}}
  %r = access.read %x at <(d0, d1) -> (d0, d1)> : tensor<4x5xf32> -> tensor<4xf32>
  return
}

// -----

func.func @read_c2(%x: tensor<4x5xf32>) {
  // expected-error@+1 {{map gives 1 indices, source has 2 dimensions}}
  %r = access.read %x at <(d0) -> (d0)> : tensor<4x5xf32> -> tensor<4xf32>
  return
}

// -----

func.func @read_c3(%x: tensor<4xf32>) {
  // expected-error@+1 {{a map with conditions needs a fill value of the element's compute type}}
  %r = access.read %x at <(d0) -> (d0), valid (d0) -> (d0) below (d0) -> (4)> : tensor<4xf32> -> tensor<5xf32>
  return
}

// -----

func.func @read_c3_type(%x: tensor<4xf32>) {
  // expected-error@+1 {{a map with conditions needs a fill value of the element's compute type}}
  %r = access.read %x at <(d0) -> (d0), valid (d0) -> (d0) below (d0) -> (4)> fill 0 : i32 : tensor<4xf32> -> tensor<5xf32>
  return
}

// -----

func.func @read_element(%x: tensor<4xf32>) {
  // expected-error@+1 {{source and result differ in element type}}
  %r = access.read %x at <(d0) -> (d0)> : tensor<4xf32> -> tensor<4xf16>
  return
}

// -----

func.func @load_c1(%t: tensor<4x5xf32>, %i: index) {
  // expected-error@+1 {{has 1 indices, source has 2 dimensions}}
  %v = access.load %t[%i] : tensor<4x5xf32> -> f32
  return
}

// -----

func.func @load_c2(%t: tensor<4xui8>, %i: index) {
  // expected-error@+1 {{gives 'ui8', elements are 'i8'}}
  %v = access.load %t[%i] : tensor<4xui8> -> ui8
  return
}

// -----

func.func @concat_c1(%a: tensor<2x3xf32>, %b: tensor<2x5xf32>) {
  // expected-error@+1 {{result is not as long as the sources together}}
  %c = access.concat %a, %b axis 1 : (tensor<2x3xf32>, tensor<2x5xf32>) -> tensor<2x9xf32>
  return
}

// -----

func.func @concat_c2_size(%a: tensor<2x3xf32>, %b: tensor<4x5xf32>) {
  // expected-error@+1 {{sources differ in dimension 0}}
  %c = access.concat %a, %b axis 1 : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @concat_c2_element(%a: tensor<2x3xf32>, %b: tensor<2x5xf16>) {
  // expected-error@+1 {{does not fit result}}
  %c = access.concat %a, %b axis 1 : (tensor<2x3xf32>, tensor<2x5xf16>) -> tensor<2x8xf32>
  return
}

// -----

func.func @concat_axis(%a: tensor<2x3xf32>) {
  // expected-error@+1 {{axis 2 is not a dimension of the result}}
  %c = access.concat %a axis 2 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @concat_nothing() {
  // expected-error@+1 {{needs a source}}
  %c = "access.concat"() {axis = 0 : i64} : () -> tensor<2xf32>
  return
}

// -----

func.func @load_c1(%x: tensor<4x5xf32>, %i: tensor<4xindex>) {
  %g = compute.map (%i at #access.map<(d0) -> (d0)>) : (tensor<4xindex>) -> tensor<4xf32> {
  ^bb0(%row: index):
    // expected-error@+1 {{has 1 indices, source has 2 dimensions}}
    %v = access.load %x[%row] : tensor<4x5xf32> -> f32
    compute.yield %v : f32
  }
  return
}

// -----

func.func @store_c1() {
  %r = compute.grid over affine_map<() -> (4)> : tensor<4x2xf32> {
  ^bb0(%row: index, %out: !access.place<tensor<4x2xf32>>):
    %v = arith.constant 0.0 : f32
    // expected-error@+1 {{has 1 indices, the place has 2 dimensions}}
    access.store %v, %out[%row] : f32, !access.place<tensor<4x2xf32>>
  }
  return
}

// -----

func.func @store_c2() {
  %r = compute.grid over affine_map<() -> (4)> : tensor<4xf32> {
  ^bb0(%row: index, %out: !access.place<tensor<4xf32>>):
    %v = arith.constant 0 : i32
    // expected-error@+1 {{moves 'i32', elements are 'f32'}}
    access.store %v, %out[%row] : i32, !access.place<tensor<4xf32>>
  }
  return
}

// -----

func.func @fetch_c1() {
  %r = compute.grid over affine_map<() -> (4)> : tensor<4xf32> {
  ^bb0(%row: index, %out: !access.place<tensor<4xf32>>):
    // expected-error@+1 {{has 2 indices, the place has 1 dimensions}}
    %v = access.fetch %out[%row, %row] : !access.place<tensor<4xf32>> -> f32
  }
  return
}

// -----

func.func @fetch_c2() {
  %r = compute.grid over affine_map<() -> (4)> : tensor<4xui8> {
  ^bb0(%row: index, %out: !access.place<tensor<4xui8>>):
    // expected-error@+1 {{moves 'ui8', elements are 'i8'}}
    %v = access.fetch %out[%row] : !access.place<tensor<4xui8>> -> ui8
  }
  return
}

// -----

func.func @local_c1() {
  %r = compute.grid over affine_map<() -> (4)> : tensor<4xf32> {
  ^bb0(%row: index, %out: !access.place<tensor<4xf32>>):
    %yes = arith.constant true
    scf.if %yes {
      // expected-error@+1 {{must be at the top of a compute.grid}}
      %local = access.local : !access.place<tensor<8xf32>>
    }
  }
  return
}

// -----

func.func @local_outside() {
  // expected-error@+1 {{must be at the top of a compute.grid}}
  %local = access.local : !access.place<tensor<8xf32>>
  return
}
