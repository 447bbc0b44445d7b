// RUN: lt-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{dimension 1 is 4 in the shape but not in the type}}
func.func private @shape_c1(tensor<?x3xf32, #extent.shape<()[s0] -> (s0, 4)>>)

// -----

// expected-error@+1 {{dimension 0 is symbolic in the shape, static in the type}}
func.func private @shape_c2(tensor<2x3xf32, #extent.shape<()[s0] -> (s0, 3)>>)

// -----

// expected-error@+1 {{shape has 1 sizes, the tensor has 2 dimensions}}
func.func private @shape_c3(tensor<?x3xf32, #extent.shape<()[s0] -> (s0)>>)

// -----

// expected-error@+1 {{a shape has symbols only, got 1 dimensions}}
func.func private @shape_dims(tensor<?xf32, #extent.shape<(d0) -> (d0)>>)

// -----

func.func @symbol_c1(%x: tensor<?x?xf32>) {
  extent.symbol 0 "a" = input 0 dim 0
  // expected-error@+1 {{declares symbol 0, expected 1}}
  extent.symbol 0 "b" = input 0 dim 1
  return
}

// -----

func.func @symbol_c1_first(%x: tensor<?x?xf32>) {
  // expected-error@+1 {{declares symbol 1, expected 0}}
  extent.symbol 1 "a" = input 0 dim 0
  return
}

// -----

func.func @symbol_c1_bind(%x: tensor<2xi64>) {
  extent.bind 0 = %x[0] : tensor<2xi64>
  // expected-error@+1 {{declares symbol 2, expected 1}}
  extent.bind 2 = %x[1] : tensor<2xi64>
  return
}

// -----

func.func @symbol_c2(%x: tensor<?xf32>) {
  // expected-error@+1 {{names input 1 of 1}}
  extent.symbol 0 "a" = input 1 dim 0
  return
}

// -----

func.func @symbol_range(%x: tensor<?xf32>) {
  // expected-error@+1 {{has an empty range}}
  extent.symbol 0 "a" = input 0 dim 0 min 3 max 2
  return
}

// -----

func.func @derived_c1(%x: tensor<?xf32>) {
  extent.symbol 0 "a" = input 0 dim 0
  // expected-error@+1 {{'select' takes 3 arguments, got 2}}
  extent.derived 1 = select affine_map<()[s0] -> (s0, 2)>
  return
}

// -----

func.func @derived_c2(%x: tensor<?xf32>) {
  extent.symbol 0 "a" = input 0 dim 0
  // expected-error@+1 {{symbol 1 depends on a later one}}
  extent.derived 1 = max affine_map<()[s0, s1] -> (s0, s1)>
  return
}

// -----

func.func @derived_dims() {
  // expected-error@+1 {{takes symbols only, got dimensions}}
  extent.derived 0 = max affine_map<(d0) -> (d0, 1)>
  return
}

// -----

func.func @bind_element(%x: tensor<2xf32>) {
  // expected-error@+1 {{binds an element of a tensor of integers}}
  extent.bind 0 = %x[0] : tensor<2xf32>
  return
}

// -----

func.func @check_arguments() {
  // expected-error@+1 {{'eq' takes 2 arguments, got 1}}
  extent.check eq affine_map<() -> (1)> "never"
  return
}

// -----

func.func @size_results() {
  // expected-error@+1 {{takes one expression of symbols}}
  %s = extent.size affine_map<() -> (1, 2)>
  return
}

// -----

func.func @measure_c1(%x: tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) {
  // expected-error@+1 {{names dimension 1 of 1}}
  extent.measure 0 = %x dim 1 : tensor<?xf32, #extent.shape<()[s0] -> (s0)>>
  return
}

// -----

func.func @measure_c2(%x: tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>>) {
  // expected-error@+1 {{declares symbol 0, which is not the size of dimension 0}}
  extent.measure 0 = %x dim 0 : tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>>
  return
}
