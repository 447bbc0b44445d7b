// RUN: lt-opt %s -split-input-file -lt-kernel-to-llvm='target=x86-64-v4' | FileCheck %s

// The function of the ABI loads buffers and sizes from the frame and walks the tiles.

// CHECK-LABEL: llvm.func internal @copy.body(
// CHECK-SAME: %arg0: !llvm.ptr {llvm.noalias}, %arg1: !llvm.ptr {llvm.noalias}, %arg2: i64, %arg3: i64) -> i32
// CHECK-SAME: always_inline
// CHECK: %[[FROM:.*]] = llvm.getelementptr %arg0[%arg3] : (!llvm.ptr, i64) -> !llvm.ptr, f32
// CHECK: %[[V:.*]] = llvm.load %[[FROM]] {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
// CHECK: %[[TO:.*]] = llvm.getelementptr %arg1[%arg3] : (!llvm.ptr, i64) -> !llvm.ptr, f32
// CHECK: llvm.store %[[V]], %[[TO]] {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
// CHECK: llvm.return

// CHECK-LABEL: llvm.func @copy(
// CHECK-SAME: %[[FRAME:.*]]: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64) -> i32
// CHECK: llvm.getelementptr inbounds %[[FRAME]][8]
// CHECK: llvm.getelementptr inbounds %[[FRAME]][16]
// CHECK: llvm.br ^[[HEAD:.*]](%[[BEGIN]], %{{.*}} : i64, i32)
// CHECK: ^[[HEAD]](%[[TILE:.*]]: i64, %[[CODE:.*]]: i32):
// CHECK: llvm.icmp "slt" %[[TILE]], %[[END]]
// CHECK: %[[RESULT:.*]] = llvm.call @copy.body({{.*}}, %[[TILE]])
// CHECK: llvm.intr.smax(%[[CODE]], %[[RESULT]])
// CHECK: llvm.br ^[[HEAD]]({{.*}}) {loop_annotation
func.func @copy(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %n: index, %tile: index) {
  %v = kernel.load %x[%tile] : !kernel.buffer<f32> -> vector<8xf32>
  kernel.store %v, %y[%tile] : vector<8xf32> -> !kernel.buffer<f32>
  return
}

// -----

// Bits are bytes in memory; small floats are moved as integers.

// CHECK-LABEL: llvm.func internal @elements.body
func.func @elements(%b: !kernel.buffer<i1>, %h: !kernel.buffer<f16>, %tile: index) {
  // CHECK: %[[BYTES:.*]] = llvm.intr.masked.load %{{.*}}, %[[MASK:.*]], %{{.*}} {alignment = 1 : i32} : {{.*}} -> vector<16xi8>
  // CHECK: %[[BITS:.*]] = llvm.icmp "ne" %[[BYTES]], %{{.*}} : vector<16xi8>
  %m = vector.create_mask %tile : vector<16xi1>
  %v = kernel.load %b[%tile] mask %m : vector<16xi1>, : !kernel.buffer<i1> -> vector<16xi1>
  // CHECK: %[[OUT:.*]] = llvm.zext %[[BITS]] : vector<16xi1> to vector<16xi8>
  // CHECK: llvm.store %[[OUT]], %{{.*}} {alignment = 1 : i64}
  kernel.store %v, %b[%tile] : vector<16xi1> -> !kernel.buffer<i1>
  // CHECK: %[[RAW:.*]] = llvm.load %{{.*}} {alignment = 2 : i64} : !llvm.ptr -> vector<16xi16>
  // CHECK: llvm.bitcast %[[RAW]] : vector<16xi16> to vector<16xf16>
  %f = kernel.load %h[%tile] : !kernel.buffer<f16> -> vector<16xf16>
  %g = arith.addf %f, %f : vector<16xf16>
  // CHECK: llvm.fadd {{.*}} : vector<16xf32>
  // CHECK: %[[HALF:.*]] = llvm.fptrunc {{.*}} : vector<16xf32> to vector<16xf16>
  // CHECK: %[[INT:.*]] = llvm.bitcast %[[HALF]] : vector<16xf16> to vector<16xi16>
  // CHECK: llvm.intr.masked.store %[[INT]], %{{.*}}, %{{.*}} {alignment = 2 : i32}
  kernel.store %g, %h[%tile] mask %m : vector<16xi1>, : vector<16xf16> -> !kernel.buffer<f16>
  return
}

// -----

// Scratch buffers are arguments, zeros one constant, errors a variable that the body returns.

// CHECK: llvm.mlir.global internal constant @lt.zeros() {{.*}}alignment = 64{{.*}} : !llvm.array<400 x i8>
// CHECK-LABEL: llvm.func internal @places.body(
// CHECK-SAME: %arg0: !llvm.ptr {llvm.noalias}, %arg1: i64, %arg2: !llvm.ptr {llvm.noalias}, %arg3: !llvm.ptr {llvm.noalias}) -> i32
// CHECK: %[[ERROR:.*]] = llvm.alloca
// CHECK: llvm.mlir.addressof @lt.zeros
// CHECK: "llvm.intr.vector.reduce.or"({{.*}}) : (vector<4xi1>) -> i1
// CHECK: llvm.intr.smax
// CHECK: llvm.select
// CHECK: %[[CODE:.*]] = llvm.load %[[ERROR]]
// CHECK: llvm.return %[[CODE]] : i32
// CHECK-LABEL: llvm.func @places(
// CHECK: %[[FIELD:.*]] = llvm.getelementptr inbounds %arg0[24]
// CHECK: %[[SCRATCH:.*]] = llvm.load %[[FIELD]]
// CHECK: llvm.getelementptr inbounds %[[SCRATCH]][0]
// CHECK: llvm.getelementptr inbounds %[[SCRATCH]][4096]
func.func @places(%x: !kernel.buffer<f32>, %tile: index) {
  %s = kernel.scratch 0 : !kernel.buffer<f32>
  %t = kernel.scratch 4096 : !kernel.buffer<f32>
  %again = kernel.scratch 0 : !kernel.buffer<f32>
  %z = kernel.zeros 100 : !kernel.buffer<f32>
  %small = kernel.zeros 10 : !kernel.buffer<f32>
  %a = kernel.load %z[%tile] : !kernel.buffer<f32> -> vector<4xf32>
  %b = kernel.load %s[%tile] : !kernel.buffer<f32> -> vector<4xf32>
  %bad = arith.cmpf ult, %a, %b : vector<4xf32>
  kernel.raise 3 if %bad : vector<4xi1>
  kernel.store %a, %t[%tile] : vector<4xf32> -> !kernel.buffer<f32>
  kernel.store %b, %again[%tile] : vector<4xf32> -> !kernel.buffer<f32>
  %p = kernel.advance %x[%tile] : !kernel.buffer<f32>
  kernel.prefetch %p[%tile] : !kernel.buffer<f32>
  // CHECK-NOT: kernel.
  return
}
