#include "compiler/Plan/SymbolOrder.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/SmallVector.h"

namespace longtail::plan {

void sortSymbols(container::Function &function) {
  std::vector<container::Symbol> &symbols = function.symbols;
  auto order = llvm::to_vector(llvm::seq<uint32_t>(0, symbols.size()));
  llvm::sort(order, [&](uint32_t a, uint32_t b) {
    auto key = [&](uint32_t i) {
      return std::tuple(symbols[i].region, !container::isSetByStep(symbols[i]), i);
    };
    return key(a) < key(b);
  });
  std::vector<container::Symbol> sorted;
  std::vector<uint32_t> numbers(symbols.size());
  for (uint32_t old : order) {
    numbers[old] = sorted.size();
    sorted.push_back(std::move(symbols[old]));
  }
  symbols = std::move(sorted);
  for (container::Expression &expression : function.expressions)
    for (container::Instruction &in : expression)
      if (in.opcode == LT_OP_SYM && static_cast<uint64_t>(in.operand) < numbers.size())
        in.operand = numbers[in.operand];

  uint32_t region = 0;
  for (container::Step &step : function.steps) {
    if (!container::endsRegion(step))
      continue;
    ++region;
    auto isOfStep = [&](const container::Symbol &symbol) {
      return container::isSetByStep(symbol) && symbol.region == region;
    };
    step.firstSymbol = llvm::find_if(symbols, isOfStep) - symbols.begin();
    step.symbolCount = llvm::count_if(symbols, isOfStep);
  }
}

} // namespace longtail::plan
