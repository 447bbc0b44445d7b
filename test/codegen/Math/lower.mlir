// RUN: lt-opt %s -lt-kernel-to-llvm='target=x86-64-v2' | FileCheck %s --check-prefixes=CHECK,V2
// RUN: lt-opt %s -lt-kernel-to-llvm='target=x86-64-v3' | FileCheck %s --check-prefixes=CHECK,V3
// RUN: lt-opt %s -lt-kernel-to-llvm='target=x86-64-v4' | FileCheck %s --check-prefixes=CHECK,V4

// No function of a library is left, and on a machine without fma none that rounds once.

// V2-NOT: intr.fma(
// CHECK-NOT: llvm.intr.{{exp|log|sin|cos|tan|pow|atan}}
// CHECK-NOT: llvm.frem
// CHECK-LABEL: llvm.func internal @functions.body
// V3: llvm.intr.fma({{.*}}vector<16xf32>
// V4: llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"
// CHECK: llvm.intr.sqrt({{.*}}vector<16xf32>
// CHECK: llvm.intr.roundeven({{.*}}vector<16xf32>
// CHECK-LABEL: llvm.func @functions(
func.func @functions(%x: !kernel.buffer<f32>, %tile: index) {
  %v = kernel.load %x[%tile] : !kernel.buffer<f32> -> vector<16xf32>
  %a = math.exp %v : vector<16xf32>
  %b = math.log %a : vector<16xf32>
  %c = math.sin %b : vector<16xf32>
  %d = math.powf %c, %b : vector<16xf32>
  %e = arith.remf %d, %c : vector<16xf32>
  %f = math.fma %e, %d, %c : vector<16xf32>
  %g = math.sqrt %f : vector<16xf32>
  %h = math.roundeven %g : vector<16xf32>
  kernel.store %h, %x[%tile] : vector<16xf32> -> !kernel.buffer<f32>
  return
}

// Choices between small floats are choices between their bits, also without instructions for them.
// CHECK-LABEL: llvm.func internal @choices.body
// CHECK-NOT: llvm.select {{.*}}bf16
// CHECK: llvm.select {{.*}} : i1, i16
// CHECK-LABEL: llvm.func @choices(
func.func @choices(%x: !kernel.buffer<bf16>, %i: index) {
  %zero = arith.constant 0 : index
  %a = kernel.load %x[%zero] : !kernel.buffer<bf16> -> bf16
  %b = kernel.load %x[%i] : !kernel.buffer<bf16> -> bf16
  %c = arith.cmpi eq, %i, %zero : index
  %d = arith.select %c, %a, %b : bf16
  kernel.store %d, %x[%i] : bf16 -> !kernel.buffer<bf16>
  return
}
