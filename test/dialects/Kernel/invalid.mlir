// RUN: lt-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{'rows' must be positive, got 0}}
module attributes {a.schedule_c1 = #kernel.schedule<lanes = 1, rows = 0, vectors = 1, unroll = 1, grain = 1, panels = 1, depth = 0>} {}

// -----

// expected-error@+1 {{'depth' must not be negative, got -1}}
module attributes {a.schedule_c2 = #kernel.schedule<lanes = 1, rows = 1, vectors = 1, unroll = 1, grain = 1, panels = 1, depth = -1>} {}

// -----

func.func @load_c1(%b: !kernel.buffer<ui8>, %i: index) {
  // expected-error@+1 {{moves 'ui8', elements are 'i8'}}
  %v = kernel.load %b[%i] : !kernel.buffer<ui8> -> ui8
  return
}

// -----

func.func @load_c2_scalar(%b: !kernel.buffer<f32>, %i: index, %m: vector<4xi1>) {
  // expected-error@+1 {{a mask needs a vector of as many lanes}}
  %v = kernel.load %b[%i] mask %m : vector<4xi1>, : !kernel.buffer<f32> -> f32
  return
}

// -----

func.func @load_c2_lanes(%b: !kernel.buffer<f32>, %i: index, %m: vector<4xi1>) {
  // expected-error@+1 {{a mask needs a vector of as many lanes}}
  %v = kernel.load %b[%i] mask %m : vector<4xi1>, : !kernel.buffer<f32> -> vector<8xf32>
  return
}

// -----

func.func @store_c1(%b: !kernel.buffer<f32>, %i: index, %v: vector<4xf16>) {
  // expected-error@+1 {{moves 'vector<4xf16>', elements are 'f32'}}
  kernel.store %v, %b[%i] : vector<4xf16> -> !kernel.buffer<f32>
  return
}

// -----

func.func @store_c2(%b: !kernel.buffer<f32>, %i: index, %v: f32, %m: vector<4xi1>) {
  // expected-error@+1 {{a mask needs a vector of as many lanes}}
  kernel.store %v, %b[%i] mask %m : vector<4xi1>, : f32 -> !kernel.buffer<f32>
  return
}

// -----

func.func @gather_c1(%b: !kernel.buffer<f32>, %at: vector<4xindex>) {
  // expected-error@+1 {{offsets and result differ in lanes}}
  %v = kernel.gather %b[%at] : !kernel.buffer<f32>, vector<4xindex> -> vector<8xf32>
  return
}

// -----

func.func @gather_element(%b: !kernel.buffer<f32>, %at: vector<4xindex>) {
  // expected-error@+1 {{elements are 'f32'}}
  %v = kernel.gather %b[%at] : !kernel.buffer<f32>, vector<4xindex> -> vector<4xf64>
  return
}

// -----

func.func @gather_mask(%b: !kernel.buffer<f32>, %at: vector<4xindex>, %m: vector<8xi1>) {
  // expected-error@+1 {{a mask needs a vector of as many lanes}}
  %v = kernel.gather %b[%at] mask %m : vector<8xi1>, : !kernel.buffer<f32>, vector<4xindex> -> vector<4xf32>
  return
}

// -----

func.func @scratch_c1_unaligned() {
  // expected-error@+1 {{offset 32 is not a multiple of 64}}
  %s = kernel.scratch 32 : !kernel.buffer<f32>
  return
}

// -----

func.func @scratch_c1_negative() {
  // expected-error@+1 {{offset -64 is not a multiple of 64}}
  %s = kernel.scratch -64 : !kernel.buffer<f32>
  return
}

// -----

func.func @dispatch_c1_tiles(%x: tensor<4xf32>) {
  // expected-error@+1 {{'tiles' is one expression of symbols}}
  %y = kernel.dispatch @k(%x) params affine_map<() -> ()> tiles affine_map<() -> (1, 2)> scratch affine_map<() -> (0)>
      : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @dispatch_c1_scratch(%x: tensor<4xf32>) {
  // expected-error@+1 {{'scratch' is one expression of symbols}}
  %y = kernel.dispatch @k(%x) params affine_map<() -> ()> tiles affine_map<() -> (1)> scratch affine_map<(d0) -> (d0)>
      : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @dispatch_params(%x: tensor<4xf32>) {
  // expected-error@+1 {{'params' are expressions of symbols}}
  %y = kernel.dispatch @k(%x) params affine_map<(d0) -> (d0)> tiles affine_map<() -> (1)> scratch affine_map<() -> (0)>
      : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @permute_c1(%v: vector<16xf32>, %p: vector<8xi32>) -> vector<16xf32> {
  // expected-error@+1 {{gives 'vector<16xf32>', not the 'vector<8xf32>' of its positions}}
  %r = kernel.permute %v by %p : vector<16xf32>, vector<8xi32> -> vector<16xf32>
  return %r : vector<16xf32>
}
