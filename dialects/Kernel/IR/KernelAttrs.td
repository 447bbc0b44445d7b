#ifndef LONGTAIL_KERNEL_ATTRS
#define LONGTAIL_KERNEL_ATTRS
include "dialects/Kernel/IR/KernelDialect.td"
include "mlir/IR/AttrTypeBase.td"

def Kernel_BufferType : TypeDef<Kernel_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "Flat memory that holds elements of one type";
  let description = [{
    The element type is that of the tensor (signs included). `i1` elements take a byte each, types
    of less than a byte are packed. Buffers of one kernel do not overlap unless they are one buffer.
  }];
  let parameters = (ins "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
}

def Kernel_ScheduleAttr : AttrDef<Kernel_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "How a group is tiled";
  let description = [{
    `lanes` is the number of elements of a vector, 1 for scalar code. `rows` and `vectors` are the
    register tile: rows (or pixels, or unrolled vectors) times vectors of accumulators. `unroll` is
    the unrolling of the innermost reduction loop. `grain` is the work of one tile of the parallel
    grid in elements of the group's domain (contraction: blocks of `rows` rows). `panels` is the
    number of column panels that one tile walks, `depth` the length of reduction that is kept in
    cache at a time (0: all). Every field is positive (schedule_c1), except `depth`, which is not
    negative (schedule_c2).

    ```mlir
    #kernel.schedule<lanes = 16, rows = 8, vectors = 3, unroll = 1, grain = 4, panels = 1, depth = 0>
    ```
  }];
  let parameters = (ins "int64_t":$lanes, "int64_t":$rows, "int64_t":$vectors, "int64_t":$unroll,
                        "int64_t":$grain, "int64_t":$panels, "int64_t":$depth);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Kernel_TargetAttr : AttrDef<Kernel_Dialect, "Target"> {
  let mnemonic = "target";
  let summary = "The facts of the machine that decisions depend on";
  let description = [{
    `name` is a row of the table in `codegen/Target`. `vector_bytes` is the width of a vector register,
    `registers` their number, `masks` whether loads and stores take masks at no cost; cache sizes in
    bytes for one core. `scalar_factors` says that a multiply-add takes one factor from a scalar
    register, so that what is the same for all lanes needs no vector. `pairs_halves` says that two
    vectors of half the width are multiplied and added in the time of one.

    ```mlir
    #kernel.target<"x86-64-v3", vector_bytes = 32, registers = 16, masks = false, l1 = 32768, l2 = 524288>
    ```
  }];
  let parameters = (ins StringRefParameter<>:$name, "int64_t":$vector_bytes, "int64_t":$registers,
                        "bool":$masks, "int64_t":$l1, "int64_t":$l2,
                        DefaultValuedParameter<"bool", "false">:$scalar_factors,
                        DefaultValuedParameter<"bool", "false">:$pairs_halves);
  let assemblyFormat = "`<` $name `,` struct($vector_bytes, $registers, $masks, $l1, $l2, $scalar_factors, $pairs_halves) `>`";
}
#endif
