// Contractions: register tile (rows, vectors, lanes), unrolling of the reduction, and the blocks of
// rows (grain) and panels of columns that one tile of the parallel grid walks. The two together are
// the loop order: one panel with many blocks keeps the panel near, one block with many panels the
// rows.
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "passes/Schedule/Candidates.h"
#include "passes/Schedule/RegisterTile.h"

using namespace mlir;

namespace longtail {

namespace {

constexpr int64_t kMaxRows = 14;
constexpr int64_t kMaxVectors = 6;
constexpr int64_t kLeastLanes = 4;
constexpr int64_t kUnrolls[] = {1, 2, 4, 8};

compute::ContractOp contractOf(compute::FusedOp group) {
  return *group.getBody().front().getOps<compute::ContractOp>().begin();
}

struct Sizes {
  explicit Sizes(const SpaceRequest &request)
      : contract(contractOf(request.group)), shape(*compute::matchContraction(contract)) {
    auto product = [&](ArrayRef<unsigned> dims) {
      int64_t result = 1;
      for (unsigned dim : dims)
        result = llvm::SaturatingMultiply<uint64_t>(
            result, std::max<int64_t>(1, request.sizeOf(shape.extents[dim])));
      return result;
    };
    batch = product(shape.batch) * std::max<int64_t>(1, request.sizeOf(shape.groupCount()));
    rows = product(shape.rows);
    columns = std::max<int64_t>(1, request.sizeOf(shape.columnCount()));
    depth = product(shape.reduced);
    innerDepth = product(ArrayRef(shape.reduced).take_back());
    sumBytes = bytesOf(contract.getOutput());
    // Packed panels have the width that packing gave them, any other operand may be read in any.
    panel = compute::panelWidth(contract, shape);
  }

  static int64_t bytesOf(Value value) {
    unsigned bits = getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth();
    return std::max(1u, bits / 8);
  }

  compute::ContractOp contract;
  compute::ContractionShape shape;
  int64_t batch, rows, columns, depth, innerDepth, sumBytes, panel = 0;
};

} // namespace

double estimateContraction(const SpaceRequest &request, kernel::ScheduleAttr schedule) {
  Sizes sizes(request);
  ContractionWork work;
  work.batch = sizes.batch;
  work.rows = sizes.rows;
  work.columns = sizes.columns;
  work.depth = sizes.depth;
  work.innerDepth = sizes.innerDepth;
  work.leftBytes = Sizes::bytesOf(sizes.contract.getLhs());
  work.rightBytes = Sizes::bytesOf(sizes.contract.getRhs());
  work.sumBytes = std::max<int64_t>(4, sizes.sumBytes);
  compute::FusedOp group = request.group;
  work.resultBytes = Sizes::bytesOf(group.getResult(0));
  work.panelWidth = sizes.panel;
  return contractionCycles(Machine(request.target, request.threads), work, schedule);
}

void addContractionSpace(const SpaceRequest &request, std::vector<kernel::ScheduleAttr> &space) {
  Sizes sizes(request);
  int64_t native = request.target.getVectorBytes() / std::max<int64_t>(4, sizes.sumBytes);
  MLIRContext *context = sizes.contract.getContext();
  for (int64_t lanes = native; lanes >= std::min(native, kLeastLanes); lanes /= 2) {
    if (lanes < native / 2 && sizes.columns > lanes)
      break; // narrow vectors are for few columns
    for (int64_t vectors = 1; vectors <= kMaxVectors; ++vectors) {
      int64_t width = lanes * vectors;
      if (sizes.panel ? sizes.panel % width != 0 : width >= 2 * native && width > 2 * sizes.columns)
        continue;
      int64_t panelCount = llvm::divideCeil(sizes.columns, width);
      for (int64_t rows = 1; rows <= kMaxRows; ++rows) {
        if ((rows + 1) * vectors > request.target.getRegisters())
          break;
        int64_t blocks = llvm::divideCeil(sizes.rows, rows);
        for (int64_t unroll : kUnrolls) {
          if (unroll > 1 && unroll > sizes.innerDepth)
            break;
          for (int64_t grain : powersUpTo(std::min<int64_t>(blocks, 256)))
            for (int64_t panels : powersUpTo(std::min<int64_t>(panelCount, 256)))
              space.push_back(kernel::ScheduleAttr::get(context, lanes, rows, vectors, unroll,
                                                        grain, panels, 0));
        }
      }
    }
  }
}

} // namespace longtail
