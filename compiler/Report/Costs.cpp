#include "compiler/Plan/ElementType.h"
#include "compiler/Report/Cost.h"
#include "compiler/Report/Report.h"
#include "passes/Schedule/RowChain.h"

using namespace mlir;
namespace json = llvm::json;

namespace longtail::report {

/// Operations of a region's scalar code that compute on elements.
static int64_t countOperations(Region &region) {
  int64_t count = 0;
  region.walk([&](Operation *op) {
    StringRef dialect = op->getName().getDialectNamespace();
    bool counts = (dialect == "arith" || dialect == "math") && !isa<arith::ConstantOp>(op) &&
                  op->getNumResults() == 1 && !op->getResult(0).getType().isIndex();
    count += counts;
  });
  return count;
}

/// Operations at one point of an operation's domain, and the sizes of the domain.
static Term termOf(Operation *op) {
  auto times = [](int64_t factor, Value result, ArrayRef<AffineExpr> extents) {
    Term term{factor, 1, extent::sizesOf(result)};
    llvm::append_range(term.sizes, extents);
    return term;
  };
  if (auto map = dyn_cast<compute::MapOp>(op))
    return times(countOperations(map.getBody()), map.getResult(0), {});
  if (auto reduce = dyn_cast<compute::ReduceOp>(op))
    return times(countOperations(reduce.getBody()) + 1, reduce.getOutput(),
                 reduce.getExtents().getResults());
  if (auto contract = dyn_cast<compute::ContractOp>(op))
    return times(2, contract.getOutput(), contract.getExtents().getResults());
  return {};
}

Cost costOf(compute::FusedOp group) {
  Cost cost;
  for (Operation &op : group.getBody().front())
    if (Term term = termOf(&op); term.factor != 0)
      cost.operations.push_back(std::move(term));
  for (ValueRange values : {ValueRange(group.getInputs()), ValueRange(group.getResults())})
    for (Value value : values) {
      auto type = cast<RankedTensorType>(value.getType());
      int64_t bits = plan::storageBits(type.getElementType());
      cost.bytes.push_back({bits < 8 ? bits : bits / 8, bits < 8 ? 8 : 1, extent::sizesOf(type)});
    }
  return cost;
}

StringRef className(compute::FusedOp group) {
  return compute::stringifyGroupClass(group.getStrategy().value_or(compute::GroupClass::Pointwise));
}

static void print(AffineExpr expr, llvm::raw_ostream &stream) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    stream << constant.getValue();
  } else if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    stream << 's' << symbol.getPosition();
  } else if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr)) {
    print(binary.getLHS(), stream);
    stream << ' ';
    print(binary.getRHS(), stream);
    switch (expr.getKind()) {
    case AffineExprKind::Add:
      stream << " +";
      break;
    case AffineExprKind::Mul:
      stream << " *";
      break;
    case AffineExprKind::FloorDiv:
      stream << " floordiv";
      break;
    case AffineExprKind::CeilDiv:
      stream << " ceildiv";
      break;
    default:
      stream << " mod";
    }
  } else {
    stream << '?'; // no size of a tensor is anything else
  }
}

/// A sum of terms, its constants multiplied.
static std::string textOf(ArrayRef<Term> terms) {
  int64_t constant = 0;
  std::string text;
  llvm::raw_string_ostream stream(text);
  StringRef separator = "", plus = "";
  for (const Term &term : terms) {
    int64_t factor = term.factor;
    SmallVector<AffineExpr> open;
    for (AffineExpr size : term.sizes) {
      auto number = dyn_cast_or_null<AffineConstantExpr>(size);
      if (!number || llvm::MulOverflow(factor, number.getValue(), factor))
        open.push_back(size);
    }
    if (open.empty() && term.divisor == 1 && !llvm::AddOverflow(constant, factor, constant))
      continue;
    stream << separator << factor;
    for (AffineExpr size : open) {
      stream << ' ';
      size ? print(size, stream) : void(stream << '?');
      stream << " *";
    }
    if (term.divisor != 1)
      stream << ' ' << term.divisor << " ceildiv";
    stream << plus;
    separator = " ";
    plus = " +";
  }
  if (constant != 0 || text.empty())
    stream << separator << constant << plus;
  return text;
}

json::Object describeCosts(func::FuncOp function) {
  json::Object sizes;
  for (Operation &op : function.front()) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    if (auto symbol = dyn_cast<extent::SymbolOp>(op)) {
      sizes["s" + std::to_string(symbol.getId())] =
          json::Array{int64_t(symbol.getInput()), int64_t(symbol.getDim())};
    } else if (auto derived = dyn_cast<extent::DerivedOp>(op)) {
      for (AffineExpr arg : derived.getArgs().getResults()) {
        print(arg, stream);
        stream << ' ';
      }
      stream << extent::stringifyFunction(derived.getFunction());
      sizes["s" + std::to_string(derived.getId())] = text;
    }
  }
  json::Array groups;
  for (auto group : function.getOps<compute::FusedOp>()) {
    Cost cost;
    SmallVector<compute::FusedOp> ofKernel{group};
    StringRef kind = className(group);
    // One kernel for all groups of a chain, where the last one was.
    if (group->hasAttr(kInStripeAttr))
      continue;
    if (group->hasAttr(kStripeAttr)) {
      ofKernel = matchRowChain(group)->groups();
      kind = compute::stringifyGroupClass(compute::GroupClass::Contraction);
    }
    for (compute::FusedOp each : ofKernel) {
      Cost more = costOf(each);
      llvm::append_range(cost.operations, more.operations);
      llvm::append_range(cost.bytes, more.bytes);
    }
    groups.push_back(json::Array{kind, textOf(cost.operations), textOf(cost.bytes)});
  }
  return json::Object{{"sizes", std::move(sizes)}, {"groups", std::move(groups)}};
}

} // namespace longtail::report
