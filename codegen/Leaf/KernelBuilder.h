// The function of one kernel while it is being built: its buffers, its size parameters, and the
// arithmetic of positions.
#pragma once
#include "dialects/Access/Algebra/Algebra.h"
#include "dialects/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace longtail::leaf {

/// The memory order of a tensor's dimensions, outermost first.
using Layout = llvm::SmallVector<int64_t>;

/// The layout of a tensor outside the group, from the `layouts` of the group (or of the dispatch
/// that took its place) that defines it; row-major otherwise.
Layout layoutOf(mlir::Value tensor);

/// The distance in elements between neighbours in each dimension.
llvm::SmallVector<mlir::AffineExpr> stridesOf(mlir::RankedTensorType type, const Layout &layout);

/// A dimension of a tensor that names a row of a stripe, or a part of its name: as it is, or by its
/// quotient by `divisor`.
struct RowDim {
  unsigned dim;
  int64_t divisor = 1;
};

/// Rows that one tile takes through a chain of groups.
struct Stripe {
  /// The rows: so many for each of so many batch positions. A stripe has rows of one of these; null
  /// where it has rows of all positions of the products' batches.
  mlir::AffineExpr batches, rowCount;
  /// How many of them one tile takes, at least `block`: as many as a group needs at once. Where
  /// fewer are left at the end of a batch position, the tile begins so much earlier.
  int64_t rows, block;
  /// What the groups hand over: tensors, and the dimensions (neighbours in memory, outermost first)
  /// that name the row.
  struct Between {
    mlir::Value tensor;
    llvm::SmallVector<RowDim> rows;
  };
  llvm::SmallVector<Between> between;

  mlir::AffineExpr tiles() const {
    mlir::AffineExpr stripes = rowCount.ceilDiv(rows);
    return batches ? batches * stripes : stripes;
  }
};

class KernelBuilder {
public:
  /// Starts a kernel for `group`: a function with one buffer argument for each input and result and
  /// the tile number; the builder stands in its body.
  KernelBuilder(compute::FusedOp group, kernel::ScheduleAttr schedule, kernel::TargetAttr target,
                llvm::StringRef name);

  compute::FusedOp group;
  kernel::ScheduleAttr schedule;
  kernel::TargetAttr target;
  mlir::func::FuncOp function;
  mlir::OpBuilder builder;
  mlir::Location loc;

  mlir::MLIRContext *context() { return builder.getContext(); }
  mlir::Value tile() { return function.getArguments().back(); }

  /// The tensors that the group yields, one for each result.
  mlir::OperandRange yielded() { return group.getBody().front().getTerminator()->getOperands(); }

  /// Where a tensor lies in memory: a buffer argument of the kernel and the order in it.
  struct Place {
    unsigned argument;
    Layout layout;
    llvm::SmallVector<mlir::AffineExpr> strides;
  };
  /// The place of an input, by its block argument in the group.
  const Place &input(mlir::Value argument) const;
  /// The place of result `number`.
  const Place &result(unsigned number) const {
    return places[places.size() - resultCount + number];
  }
  /// The position of the element at `coordinates`.
  mlir::AffineExpr offsetAt(const Place &place, llvm::ArrayRef<mlir::AffineExpr> coordinates);
  mlir::Value buffer(const Place &place) {
    auto found = handedOver.find(place.argument);
    return found == handedOver.end() ? function.getArgument(place.argument) : found->second;
  }

  /// Makes the group one of a chain, in which what is handed over has memory for the rows of one
  /// tile only, in the worker's scratch memory. `rows` are the dimensions of the group's results
  /// that name the row. To be called first, and alike for all groups.
  void joinChain(const Stripe &stripe, llvm::ArrayRef<RowDim> rows);
  /// The rows of this tile, where the group is one of a chain: positions in their batch position
  /// (null: in all), before which there are `before` rows.
  struct StripeRange {
    mlir::Value batch, before, low, high;
    mlir::AffineExpr tiles;
  };
  const std::optional<StripeRange> &stripeRange() const { return range; }
  /// The dimensions of the group's results that name the row of a stripe; none outside of chains.
  llvm::ArrayRef<RowDim> rowDims() const { return rows; }

  // ---- index arithmetic at the builder's place
  mlir::Value index(int64_t value);
  /// The value of an expression of symbols: a constant or a parameter of the kernel.
  mlir::Value size(mlir::AffineExpr expr);
  /// The same for what is divided by: at least 1. A size may be 0 in lanes that are masked, or
  /// where another operand is read; a division would trap all the same.
  mlir::Value divisor(mlir::AffineExpr expr);
  /// The value of `expr` where its dimensions have the values `dims`.
  mlir::Value evaluate(mlir::AffineExpr expr, llvm::ArrayRef<mlir::Value> dims);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value min(mlir::Value a, mlir::Value b);
  /// Rounded-down quotient and remainder of values that are not negative.
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value rem(mlir::Value a, mlir::Value b);
  /// `0 <= value < bound`, as one comparison.
  mlir::Value inRange(mlir::Value value, mlir::Value bound);

  /// `access::simplify` and `access::strideAlong`, each asked once for the same question: unrolled
  /// code asks for the same positions over and over.
  mlir::AffineExpr simplify(mlir::AffineExpr expr, const access::Domain &domain);
  mlir::AffineExpr strideAlong(mlir::AffineExpr expr, unsigned dim, const access::Domain &domain);

  /// Splits the number `flat` into positions of `extents` (outermost first).
  llvm::SmallVector<mlir::Value> delinearize(mlir::Value flat,
                                             llvm::ArrayRef<mlir::AffineExpr> extents);

  /// A loop from `low` to `high`; `body` is called with the builder inside.
  void loop(mlir::Value low, mlir::Value high, int64_t step,
            llvm::function_ref<void(mlir::Value)> body);
  /// A loop that carries values; `body` returns their next values.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value low, mlir::Value high, int64_t step, mlir::ValueRange carried,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body,
       bool unroll = true);
  /// `then` under `condition`.
  void when(mlir::Value condition, llvm::function_ref<void()> then);

  /// Sizes that the kernel takes as parameters, in order, over the model's symbols.
  llvm::ArrayRef<mlir::AffineExpr> getParameters() const { return parameters; }
  /// Reserves scratch memory for `bytes` (an expression of symbols) and returns its buffer.
  mlir::Value scratch(mlir::AffineExpr bytes, mlir::Type elementType) {
    return scratchAt(reserve(bytes), elementType);
  }
  /// Whether the kernel makes strings.
  bool makesText = false;
  mlir::AffineExpr getScratchBytes() { return scratchBytes; }

private:
  /// Scratch memory in two steps: a place in it, and a buffer there.
  mlir::AffineExpr reserve(mlir::AffineExpr bytes);
  mlir::Value scratchAt(mlir::AffineExpr offset, mlir::Type elementType);

  /// Answers for one domain.
  struct Answers {
    llvm::DenseMap<mlir::AffineExpr, mlir::AffineExpr> simplified;
    llvm::DenseMap<std::pair<mlir::AffineExpr, unsigned>, mlir::AffineExpr> strides;
  };
  Answers &answersFor(const access::Domain &domain);

  llvm::DenseMap<mlir::AffineMap, Answers> answers; // by the domain's extents as a map
  llvm::SmallVector<Place, 0> places;               // inputs, then results
  unsigned resultCount;
  llvm::SmallVector<mlir::AffineExpr> parameters;
  mlir::AffineExpr scratchBytes;
  std::optional<StripeRange> range;
  llvm::SmallVector<RowDim> rows;
  llvm::DenseMap<unsigned, mlir::Value> handedOver; // by the argument that it takes the place of

  /// Where the rows of one tile lie: the strides of their tensor, and the size of the memory.
  struct Handover {
    llvm::SmallVector<mlir::AffineExpr> strides;
    mlir::AffineExpr rowStride, bytes;
  };
  Handover handoverOf(const Stripe &stripe, const Stripe::Between &between);
};

} // namespace longtail::leaf
