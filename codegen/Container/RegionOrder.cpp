#include "codegen/Container/RegionOrder.h"
#include <algorithm>
#include <numeric>

using namespace longtail::container;

// Sorts `items` by `key` and returns the new position of each old one.
template <typename Item, typename Key>
static std::vector<uint32_t> sortStable(std::vector<Item> &items, Key key) {
  std::vector<uint32_t> order(items.size()), position(items.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(key(items[a]), a) < std::pair(key(items[b]), b);
  });
  std::vector<Item> sorted;
  sorted.reserve(items.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    position[order[i]] = i;
    sorted.push_back(std::move(items[order[i]]));
  }
  items = std::move(sorted);
  return position;
}

Function longtail::container::sortByRegion(const Function &original) {
  Function function = original;
  std::vector<uint32_t> symbols = sortStable(function.symbols, [](const Symbol &symbol) {
    return std::pair(symbol.region, !isSetByStep(symbol));
  });
  sortStable(function.checks, [](const Check &check) { return check.region; });
  std::vector<uint32_t> slots =
      sortStable(function.slots, [](const Slot &slot) { return slot.region; });
  std::vector<uint32_t> buffers =
      sortStable(function.buffers, [](const Buffer &buffer) { return buffer.region; });

  for (Expression &expression : function.expressions)
    for (Instruction &in : expression)
      if (in.opcode == LT_OP_SYM)
        in.operand = symbols[in.operand];
  for (Symbol &symbol : function.symbols)
    if (isSetByStep(symbol))
      symbol.source = buffers[symbol.source];
  for (Buffer &buffer : function.buffers)
    if (buffer.kind == LT_BUFFER_ARENA)
      buffer.index = slots[buffer.index];
  uint32_t region = 0;
  for (Step &step : function.steps) {
    for (uint32_t &binding : step.bindings)
      if (binding != kNone)
        binding = buffers[binding];
    if (!endsRegion(step))
      continue;
    if (step.kind == LT_STEP_BIND)
      step.buffer = buffers[step.buffer];
    // The BOUND or MEASURED symbols of the next region are its first.
    auto first = std::find_if(function.symbols.begin(), function.symbols.end(),
                              [&](const Symbol &symbol) { return symbol.region > region; });
    step.firstSymbol = static_cast<uint32_t>(first - function.symbols.begin());
    ++region;
  }
  return function;
}
