// RUN: lt-opt %s | lt-opt | FileCheck %s
// RUN: lt-opt %s --mlir-print-op-generic | lt-opt | FileCheck %s

// CHECK: module attributes {kernel.schedule = #kernel.schedule<lanes = 16, rows = 8, vectors = 3, unroll = 1, grain = 4, panels = 1, depth = 0>, kernel.target = #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16, masks = false, l1 = 32768, l2 = 524288>}
module attributes {
  kernel.target = #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16, masks = false, l1 = 32768, l2 = 524288>,
  kernel.schedule = #kernel.schedule<lanes = 16, rows = 8, vectors = 3, unroll = 1, grain = 4, panels = 1, depth = 0>
} {

// CHECK-LABEL: func @memory
func.func @memory(%b: !kernel.buffer<f32>, %u: !kernel.buffer<ui8>, %i: index, %m: vector<16xi1>,
                  %at: vector<16xindex>, %bit: i1) {
  // CHECK: kernel.load %arg0[%arg2] : !kernel.buffer<f32> -> f32
  %a = kernel.load %b[%i] : !kernel.buffer<f32> -> f32
  // CHECK: kernel.load %arg0[%arg2] : !kernel.buffer<f32> -> vector<16xf32>
  %v = kernel.load %b[%i] : !kernel.buffer<f32> -> vector<16xf32>
  // CHECK: kernel.load %arg0[%arg2] mask %arg3 : vector<16xi1>, : !kernel.buffer<f32> -> vector<16xf32>
  %w = kernel.load %b[%i] mask %m : vector<16xi1>, : !kernel.buffer<f32> -> vector<16xf32>
  // CHECK: kernel.load %arg1[%arg2] : !kernel.buffer<ui8> -> i8
  %c = kernel.load %u[%i] : !kernel.buffer<ui8> -> i8
  // CHECK: kernel.store %{{.*}}, %arg0[%arg2] : vector<16xf32> -> !kernel.buffer<f32>
  kernel.store %v, %b[%i] : vector<16xf32> -> !kernel.buffer<f32>
  // CHECK: kernel.store %{{.*}}, %arg0[%arg2] mask %arg3 : vector<16xi1>, : vector<16xf32> -> !kernel.buffer<f32>
  kernel.store %w, %b[%i] mask %m : vector<16xi1>, : vector<16xf32> -> !kernel.buffer<f32>
  // CHECK: kernel.gather %arg0[%arg4] : !kernel.buffer<f32>, vector<16xindex> -> vector<16xf32>
  %g = kernel.gather %b[%at] : !kernel.buffer<f32>, vector<16xindex> -> vector<16xf32>
  // CHECK: kernel.gather %arg0[%arg4] mask %arg3 : vector<16xi1>, : !kernel.buffer<f32>, vector<16xindex> -> vector<16xf32>
  %h = kernel.gather %b[%at] mask %m : vector<16xi1>, : !kernel.buffer<f32>, vector<16xindex> -> vector<16xf32>
  // CHECK: %[[ROW:.*]] = kernel.advance %arg0[%arg2] : !kernel.buffer<f32>
  %row = kernel.advance %b[%i] : !kernel.buffer<f32>
  // CHECK: %[[ZEROS:.*]] = kernel.zeros 4096 : !kernel.buffer<f32>
  %z = kernel.zeros 4096 : !kernel.buffer<f32>
  // CHECK: kernel.select %arg5, %[[ROW]], %[[ZEROS]] : !kernel.buffer<f32>
  %s = kernel.select %bit, %row, %z : !kernel.buffer<f32>
  // CHECK: kernel.prefetch %{{.*}}[%arg2] : !kernel.buffer<f32>
  kernel.prefetch %s[%i] : !kernel.buffer<f32>
  // CHECK: kernel.raise 1 if %arg5 : i1
  kernel.raise 1 if %bit : i1
  // CHECK: kernel.scratch 128 : !kernel.buffer<f32>
  %t = kernel.scratch 128 : !kernel.buffer<f32>
  return
}

// CHECK-LABEL: func @plan
func.func @plan(%x: tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> tensor<?x1xf32, #extent.shape<()[s0] -> (s0, 1)>> {
  extent.symbol 0 "n" = input 0 dim 0
  // CHECK: kernel.dispatch @k0(%arg0) params #{{.*}} tiles #{{.*}} scratch #{{.*}} {label = "Relu_0"} : (tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> tensor<?xf32
  %y = kernel.dispatch @k0(%x) params affine_map<()[s0] -> (s0)> tiles affine_map<()[s0] -> (s0 ceildiv 8)>
      scratch affine_map<() -> (0)> {label = "Relu_0"}
      : (tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> tensor<?xf32, #extent.shape<()[s0] -> (s0)>>
  // CHECK: kernel.alias %{{.*}} : tensor<?xf32, #extent.shape<()[s0] -> (s0)>> -> tensor<?x1xf32
  %r = kernel.alias %y : tensor<?xf32, #extent.shape<()[s0] -> (s0)>> -> tensor<?x1xf32, #extent.shape<()[s0] -> (s0, 1)>>
  return %r : tensor<?x1xf32, #extent.shape<()[s0] -> (s0, 1)>>
}
}

// CHECK-LABEL: func @permute
func.func @permute(%v: vector<32xf32>, %p: vector<16xi32>) -> vector<16xf32> {
  // CHECK: kernel.permute %{{.*}} by %{{.*}} : vector<32xf32>, vector<16xi32> -> vector<16xf32>
  %r = kernel.permute %v by %p : vector<32xf32>, vector<16xi32> -> vector<16xf32>
  return %r : vector<16xf32>
}
