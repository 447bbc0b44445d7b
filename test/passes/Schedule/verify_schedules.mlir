// RUN: lt-opt --lt-verify-schedules -split-input-file -verify-diagnostics %s

module attributes {kernel.target = #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16, masks = false, l1 = 32768, l2 = 524288>} {
  func.func @too_many_registers(%x: tensor<64x32xf32>, %w: tensor<32x16xf32>) -> tensor<64x16xf32> {
    // expected-error @+1 {{'rows' times 'vectors' needs 19 registers, x86-64-v3 has 16}}
    %r = compute.fused contraction (%x, %w) {schedule = #kernel.schedule<lanes = 8, rows = 8, vectors = 2, unroll = 1, grain = 1, panels = 1, depth = 0>} : (tensor<64x32xf32>, tensor<32x16xf32>) -> tensor<64x16xf32> {
    ^bb0(%a: tensor<64x32xf32>, %b: tensor<32x16xf32>):
      %s = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>, %b at #access.map<(d0, d1, d2) -> (d2, d1)>
          over affine_map<() -> (32)> : tensor<64x32xf32>, tensor<32x16xf32> -> tensor<64x16xf32>
      compute.yield %s : tensor<64x16xf32>
    }
    return %r : tensor<64x16xf32>
  }
}

// -----

module attributes {kernel.target = #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16, masks = false, l1 = 32768, l2 = 524288>} {
  func.func @no_schedule(%x: tensor<4xf32>) -> tensor<4xf32> {
    // expected-error @+1 {{has no #kernel.schedule}}
    %r = compute.fused pointwise (%x) : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %m = compute.map (%a at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<4xf32> {
      ^bb0(%q: f32):
        compute.yield %q : f32
      }
      compute.yield %m : tensor<4xf32>
    }
    return %r : tensor<4xf32>
  }
}

// -----

module attributes {kernel.target = #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16, masks = false, l1 = 32768, l2 = 524288>} {
  func.func @odd_lanes(%x: tensor<4xf32>) -> tensor<4xf32> {
    // expected-error @+1 {{'lanes' must be a power of two of at most 256, got 3}}
    %r = compute.fused pointwise (%x) {schedule = #kernel.schedule<lanes = 3, rows = 1, vectors = 1, unroll = 1, grain = 1, panels = 1, depth = 0>} : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %m = compute.map (%a at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<4xf32> {
      ^bb0(%q: f32):
        compute.yield %q : f32
      }
      compute.yield %m : tensor<4xf32>
    }
    return %r : tensor<4xf32>
  }
}

// -----

module attributes {kernel.target = #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16, masks = false, l1 = 32768, l2 = 524288>} {
  func.func @too_much_code(%x: tensor<4xf32>) -> tensor<4xf32> {
    // expected-error @+1 {{'unroll' must be at most 64, got 65}}
    %r = compute.fused pointwise (%x) {schedule = #kernel.schedule<lanes = 8, rows = 1, vectors = 1, unroll = 65, grain = 1, panels = 1, depth = 0>} : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %m = compute.map (%a at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<4xf32> {
      ^bb0(%q: f32):
        compute.yield %q : f32
      }
      compute.yield %m : tensor<4xf32>
    }
    return %r : tensor<4xf32>
  }
}

// -----

module attributes {kernel.target = #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16, masks = false, l1 = 32768, l2 = 524288>} {
  func.func @too_much_work(%x: tensor<4xf32>) -> tensor<4xf32> {
    // expected-error @+1 {{'grain' must be at most 4294967296, got 9223372036854775807}}
    %r = compute.fused pointwise (%x) {schedule = #kernel.schedule<lanes = 8, rows = 1, vectors = 1, unroll = 1, grain = 9223372036854775807, panels = 1, depth = 0>} : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %m = compute.map (%a at #access.map<(d0) -> (d0)>) : (tensor<4xf32>) -> tensor<4xf32> {
      ^bb0(%q: f32):
        compute.yield %q : f32
      }
      compute.yield %m : tensor<4xf32>
    }
    return %r : tensor<4xf32>
  }
}

// -----

module attributes {kernel.target = #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16, masks = false, l1 = 32768, l2 = 524288>} {
  func.func @sequential(%x: tensor<4xf32>) -> tensor<4xf32> {
    // expected-error @+1 {{is sequential code: 'lanes' must be 1, got 8}}
    %r = compute.fused grid (%x) {schedule = #kernel.schedule<lanes = 8, rows = 1, vectors = 1, unroll = 1, grain = 1, panels = 1, depth = 0>} : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %g = compute.grid over affine_map<() -> (4)> : tensor<4xf32> {
      ^bb0(%i: index, %out: !access.place<tensor<4xf32>>):
        %two = arith.constant 2.0 : f32
        %v = access.load %a[%i] : tensor<4xf32> -> f32
        %end = scf.while (%before = %v) : (f32) -> f32 {
          %more = arith.cmpf ogt, %before, %two : f32
          scf.condition(%more) %before : f32
        } do {
        ^bb0(%now: f32):
          %half = arith.divf %now, %two : f32
          scf.yield %half : f32
        }
        access.store %end, %out[%i] : f32, !access.place<tensor<4xf32>>
      }
      compute.yield %g : tensor<4xf32>
    }
    return %r : tensor<4xf32>
  }
}

// -----

// Columns of two panels are no neighbours.
module attributes {kernel.target = #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16, masks = false, l1 = 32768, l2 = 524288>} {
  func.func @panels(%x: tensor<64x32xf32>, %w: tensor<2x32x16xf32>) -> tensor<64x32xf32> {
    // expected-error @+1 {{'lanes' times 'vectors' is 24, which does not divide the width of the right operand's panels}}
    %r = compute.fused contraction (%x, %w) {schedule = #kernel.schedule<lanes = 8, rows = 2, vectors = 3, unroll = 1, grain = 1, panels = 1, depth = 0>} : (tensor<64x32xf32>, tensor<2x32x16xf32>) -> tensor<64x32xf32> {
    ^bb0(%a: tensor<64x32xf32>, %b: tensor<2x32x16xf32>):
      %s = compute.contract %a at #access.map<(d0, d1, d2) -> (d0, d2)>, %b at #access.map<(d0, d1, d2) -> (d1 floordiv 16, d2, d1 mod 16)>
          over affine_map<() -> (32)> : tensor<64x32xf32>, tensor<2x32x16xf32> -> tensor<64x32xf32>
      compute.yield %s : tensor<64x32xf32>
    }
    return %r : tensor<64x32xf32>
  }
}
