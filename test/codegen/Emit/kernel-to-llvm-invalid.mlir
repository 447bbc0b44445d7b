// RUN: lt-opt %s -split-input-file -verify-diagnostics -lt-kernel-to-llvm

// expected-error @below {{'noTile' is not a kernel: its arguments must be buffers, then sizes and a tile number of type index}}
func.func @noTile(%x: !kernel.buffer<f32>) {
  return
}

// -----

// expected-error @below {{'results' is not a kernel: it has results}}
func.func @results(%tile: index) -> index {
  return %tile : index
}

// -----

func.func @packed(%x: !kernel.buffer<ui4>, %tile: index) {
  // expected-error @below {{cannot begin a buffer inside a byte of packed elements}}
  // expected-error @below {{failed to legalize operation 'kernel.advance'}}
  %y = kernel.advance %x[%tile] : !kernel.buffer<ui4>
  kernel.prefetch %y[%tile] : !kernel.buffer<ui4>
  return
}

// -----

func.func @rank(%x: !kernel.buffer<f32>, %tile: index) {
  %c = arith.constant dense<1.0> : vector<2x4xf32>
  // expected-error @below {{is lowered for scalars and vectors of one fixed dimension only}}
  %r = math.exp %c : vector<2x4xf32>
  return
}
