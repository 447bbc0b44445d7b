// The cell of LSTM, whatever the weights are.
#pragma once
#include "compiler/Operators/Recurrent.h"

namespace longtail::operators {

inline constexpr llvm::StringRef kLstmActivations[] = {"Sigmoid", "Tanh", "Tanh"};

class LstmExpansion : public RecurrentExpansion {
public:
  using RecurrentExpansion::RecurrentExpansion;

protected:
  mlir::Value update(const RecurrentPoint &point, mlir::Value row, mlir::Value j,
                     const RecurrentActivations &functions) override;

private:
  mlir::Value peephole(const RecurrentPoint &point, int64_t number, mlir::Value j,
                       mlir::Value cell) const;
};

} // namespace longtail::operators
