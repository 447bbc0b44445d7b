// RUN: lt-opt %s -lt-kernel-to-llvm='target=x86-64-v4+vnni' | FileCheck %s --check-prefix=VNNI
// RUN: lt-opt %s -lt-kernel-to-llvm='target=x86-64-v3+vnni' | FileCheck %s --check-prefix=NARROW
// RUN: lt-opt %s -lt-kernel-to-llvm='target=x86-64-v3' | FileCheck %s --check-prefix=PAIRS
// RUN: lt-opt %s -lt-kernel-to-llvm='target=aarch64' | FileCheck %s --check-prefix=BYTES

// Products of bytes where there is an instruction; where its sums would saturate, products of
// halves, the even and the odd bytes; elsewhere byte by byte.

// VNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"(%{{.*}}) : (vector<8xi32>, vector<32xi8>, vector<32xi8>)
// NARROW: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
// PAIRS-COUNT-2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%{{.*}}) : (vector<16xi16>, vector<16xi16>)
// PAIRS-NOT: call_intrinsic
// BYTES-COUNT-4: llvm.mul %{{.*}} : vector<8xi32>
// BYTES-NOT: call_intrinsic
func.func @dot(%x: !kernel.buffer<i32>, %y: !kernel.buffer<i32>, %tile: index) {
  %a = kernel.load %x[%tile] : !kernel.buffer<i32> -> vector<8xi32>
  %b = kernel.load %y[%tile] : !kernel.buffer<i32> -> vector<8xi32>
  %s = kernel.dot %a, %b, %b : vector<8xi32>
  kernel.store %s, %y[%tile] : vector<8xi32> -> !kernel.buffer<i32>
  return
}
