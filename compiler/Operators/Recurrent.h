// What LSTM, GRU and RNN share. The products of the inputs with their weights, for all time steps,
// are one contraction. A grid then walks the steps: its points are a direction and a few rows of
// the batch, whose states are local arrays.
#pragma once
#include "compiler/Operators/GridBuilder.h"
#include "compiler/Operators/RecurrentActivation.h"

namespace longtail::operators {

/// Which operand has which role in an operator; -1 where it has none.
struct RecurrentInputs {
  int bias = 3, lengths = 4, hidden = 5, cell = -1, peepholes = -1;
};

/// How an operator of the family is made up: constants of the program.
struct RecurrentForm {
  /// The rows of weights (columns where they are quantized) are so many times the hidden size.
  int64_t gates;
  RecurrentInputs inputs;
  llvm::ArrayRef<llvm::StringRef> activations;
  /// W is [directions, input, gates * hidden] and R [directions, hidden, gates * hidden], and they
  /// are quantized.
  bool isQuantized = false;
};

/// Sizes and attributes.
struct RecurrentLayer {
  mlir::AffineExpr steps, batch, width, hidden;
  int64_t directions = 1, gates = 1;
  bool isReverse = false, isBatchFirst = false;
  std::optional<double> clip;
  llvm::SmallVector<RecurrentActivations> activations; // for each direction

  mlir::AffineExpr columns() const { return hidden * gates; }
};

mlir::FailureOr<RecurrentLayer> recurrentLayer(InferContext &ctx, const RecurrentForm &form);

/// Checks the operands that the family shares and sets the types of the results.
mlir::LogicalResult inferRecurrent(InferContext &ctx, const RecurrentForm &form);

/// Where the code of one point of the grid stands.
struct RecurrentPoint {
  const GridBuilder &b;
  mlir::Value direction; // index
  mlir::Value first;     // the first row of the batch
  mlir::Value count;     // how many rows this point has
  mlir::Value hidden;    // the state h, [rows, hidden]
  mlir::Value cell;      // the state c, likewise; null without one
  mlir::Value gates;     // what the inputs give to the gates, then all of it: [rows, columns]
};

/// The expansion of one operator: the members that differ are virtual.
class RecurrentExpansion {
public:
  RecurrentExpansion(ExpandContext &ctx, const RecurrentForm &form, const RecurrentLayer &layer);
  virtual ~RecurrentExpansion() = default;

  void run();

protected:
  /// Tensors outside the grid.
  virtual void prepare();
  /// Further arrays of a point.
  virtual void allocate(const GridBuilder &) {}
  /// Adds what depends on more than one element of the state to `gates`.
  virtual void combine(const RecurrentPoint &point);
  /// Element `j` of the state h after a step of row `row`; that of c is stored.
  virtual mlir::Value update(const RecurrentPoint &point, mlir::Value row, mlir::Value j,
                             const RecurrentActivations &functions) = 0;

  /// The sum of the biases that are added to the products of the inputs: [directions * columns],
  /// or null.
  mlir::Value inputBias();
  /// What element (direction, column) of the biases of W and R gives to it.
  virtual mlir::Value addBiases(const RegionBuilder &b, mlir::Value input,
                                mlir::Value recurrent) const {
    return b.add(input, recurrent);
  }
  /// [steps, batch, directions * columns], in the work type.
  virtual mlir::Value projectInputs();
  /// target[row, first + j] += sum over k of vector[row, k] * R[k, column + j] for j below `width`
  /// and all rows. Each sum is in the order of k, whatever the number of rows.
  void multiply(const RecurrentPoint &point, mlir::Value target, mlir::AffineExpr first,
                mlir::Value vector, mlir::AffineExpr column, mlir::AffineExpr width);

  /// `body` for each element of the state, once for each set of functions that a direction has.
  void forElements(const RecurrentPoint &point,
                   llvm::function_ref<void(mlir::Value, const RecurrentActivations &)> body);
  void forRows(const RecurrentPoint &point, llvm::function_ref<void(mlir::Value)> body);
  /// `value` within the bounds of attribute 'clip'.
  mlir::Value clipped(const RegionBuilder &b, mlir::Value value) const;
  /// Gate `number` of element `j`.
  mlir::Value gate(const RecurrentPoint &point, mlir::Value row, int64_t number,
                   mlir::Value j) const;
  /// An element of the operand `tensor` in the work type.
  mlir::Value load(const GridBuilder &b, mlir::Value tensor, mlir::ValueRange indices) const;
  ExpandContext &ctx;
  const RecurrentForm &form;
  const RecurrentLayer &layer;
  mlir::Type element, work;
  int64_t rows; // of one point at most

private:
  /// A result of the grid: output number and, inside the region, its place.
  struct Result {
    unsigned output;
    mlir::Value place;
  };
  void emitPoint(const GridBuilder &b, mlir::ValueRange points);
  void initialize(const RecurrentPoint &point);
  void walkSteps(const RecurrentPoint &point);
  void finish(const RecurrentPoint &point);
  /// How many steps row `row` has.
  mlir::Value lengthOf(const RecurrentPoint &point, mlir::Value row) const;
  /// Where the input and the output of row `row` are at a step counted in the direction of the
  /// walk.
  mlir::Value positionAt(const RecurrentPoint &point, mlir::Value row, mlir::Value step) const;
  llvm::SmallVector<mlir::Value> stateIndices(const RecurrentPoint &point, mlir::Value row,
                                              mlir::Value j) const;
  void storeStep(const RecurrentPoint &point, mlir::Value value, mlir::Value position,
                 mlir::Value row, mlir::Value j) const;

  mlir::Value projected; // tensor [steps, batch, directions * columns]
  mlir::Value lengths;   // array of this point [rows], of indices as i64; null without operand
  llvm::SmallVector<Result> results;

protected:
  mlir::Value recurrent; // tensor R as [directions, hidden, columns], in the work type
};

/// Rows of the batch that one point works on: what is read of R serves all of them.
inline constexpr int64_t kRecurrentRows = 4;

} // namespace longtail::operators
