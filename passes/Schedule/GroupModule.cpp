#include "passes/Schedule/GroupModule.h"
#include "codegen/Leaf/KernelBuilder.h"
#include "dialects/Access/Algebra/Algebra.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "passes/Schedule/Records.h"

using namespace mlir;

namespace longtail {

namespace {

/// Gives symbols numbers in the order in which it meets them.
class SymbolRenumbering {
public:
  explicit SymbolRenumbering(SmallVectorImpl<unsigned> &order) : order(order) {
    replacer.addReplacement([this](RankedTensorType type) { return tensor(type); });
    replacer.addReplacement(
        [this](access::MapAttr access) -> std::optional<std::pair<Attribute, WalkResult>> {
          auto all = [&](AffineMap map) {
            return map ? exprs(map.getResults()) : SmallVector<AffineExpr>();
          };
          return std::pair<Attribute, WalkResult>(
              access::makeMap(access.getContext(), access.getMap().getNumDims(),
                              all(access.getMap()), all(access.getValid()), all(access.getBelow())),
              WalkResult::skip());
        });
    replacer.addReplacement(
        [this](AffineMapAttr map) -> std::optional<std::pair<Attribute, WalkResult>> {
          SmallVector<AffineExpr> results = exprs(map.getValue().getResults());
          return std::pair<Attribute, WalkResult>(
              AffineMapAttr::get(AffineMap::get(map.getValue().getNumDims(),
                                                extent::symbolCount(results), results,
                                                map.getContext())),
              WalkResult::skip());
        });
  }

  void replaceIn(Operation *op) {
    replacer.recursivelyReplaceElementsIn(op, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);
  }
  Type replace(Type type) { return replacer.replace(type); }

private:
  std::optional<std::pair<Type, WalkResult>> tensor(RankedTensorType type) {
    if (!type.getEncoding())
      return std::pair<Type, WalkResult>(type, WalkResult::skip());
    return std::pair<Type, WalkResult>(
        extent::tensorType(exprs(extent::sizesOf(type)), type.getElementType()),
        WalkResult::skip());
  }

  SmallVector<AffineExpr> exprs(ArrayRef<AffineExpr> all) {
    return llvm::map_to_vector(all, [&](AffineExpr each) { return expr(each); });
  }

  AffineExpr expr(AffineExpr old) {
    SmallVector<AffineExpr> replacements(extent::symbolCount(old),
                                         getAffineConstantExpr(0, old.getContext()));
    old.walk([&](AffineExpr part) {
      auto symbol = dyn_cast<AffineSymbolExpr>(part);
      if (!symbol)
        return;
      auto [found, isNew] = numbers.try_emplace(symbol.getPosition(), order.size());
      if (isNew)
        order.push_back(symbol.getPosition());
      replacements[symbol.getPosition()] = getAffineSymbolExpr(found->second, old.getContext());
    });
    return replacements.empty() ? old : old.replaceSymbols(replacements);
  }

  SmallVectorImpl<unsigned> &order;
  llvm::DenseMap<unsigned, unsigned> numbers;
  AttrTypeReplacer replacer;
};

/// What is known of the least values of a function's symbols, by their numbers.
llvm::DenseMap<unsigned, int64_t> leastValues(func::FuncOp function) {
  llvm::DenseMap<unsigned, int64_t> least;
  function.walk([&](Operation *op) {
    llvm::TypeSwitch<Operation *>(op).Case<extent::SymbolOp, extent::BindOp, extent::MeasureOp>(
        [&](auto declaration) { least[declaration.getId()] = declaration.getMin(); });
  });
  return least;
}

bool isRowMajor(ArrayRef<int64_t> layout) {
  return llvm::all_of(llvm::enumerate(layout),
                      [](auto each) { return int64_t(each.index()) == each.value(); });
}

} // namespace

GroupCopy copyGroup(compute::FusedOp group) {
  GroupCopy copy;
  copy.group = cast<compute::FusedOp>(group->clone());
  copy.holder = OwningOpRef<Operation *>(copy.group.getOperation());
  copy.group.removeScheduleAttr();
  copy.group.removeLabelAttr();
  copy.group->removeDiscardableAttr(kTunedAttr);
  SymbolRenumbering renumbering(copy.order);
  for (Value input : copy.group.getInputs())
    renumbering.replace(input.getType());
  renumbering.replaceIn(copy.group);
  return copy;
}

SmallVector<SmallVector<int64_t>> inputLayouts(compute::FusedOp group) {
  return llvm::map_to_vector(
      group.getInputs(), [](Value input) { return SmallVector<int64_t>(leaf::layoutOf(input)); });
}

OwningOpRef<ModuleOp> extractGroup(compute::FusedOp group, SmallVectorImpl<unsigned> &order) {
  MLIRContext *context = group.getContext();
  GroupCopy copy = copyGroup(group);
  order.assign(copy.order.begin(), copy.order.end());
  Location loc = UnknownLoc::get(context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);

  SmallVector<Type> inputs(copy.group.getBody().front().getArgumentTypes());
  for (unsigned i = 0; i < order.size(); ++i)
    inputs.push_back(
        extent::tensorType({getAffineSymbolExpr(i, context)}, IntegerType::get(context, 8)));
  auto type = FunctionType::get(context, inputs, copy.group.getResultTypes());
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  auto main = func::FuncOp::create(builder, loc, "main", type);
  builder.setInsertionPointToStart(main.addEntryBlock());
  unsigned count = copy.group.getInputs().size();
  llvm::DenseMap<unsigned, int64_t> least = leastValues(group->getParentOfType<func::FuncOp>());
  for (auto [i, symbol] : llvm::enumerate(order))
    extent::SymbolOp::create(builder, loc, i, ("s" + Twine(i)).str(), count + i, 0,
                             std::max<int64_t>(0, least.lookup(symbol)));

  auto copied = [&](Value value, ArrayRef<int64_t> layout) {
    compute::FusedOp fused = compute::buildCopyGroup(builder, loc, value);
    fused.setLabelAttr(builder.getStringAttr("copy"));
    fused.setLayoutsAttr(builder.getArrayAttr({builder.getDenseI64ArrayAttr(layout)}));
    return fused.getResult(0);
  };
  for (auto [number, layout] : llvm::enumerate(inputLayouts(group))) {
    Value input = main.getArgument(number);
    copy.group->setOperand(number, isRowMajor(layout) ? input : copied(input, layout));
  }
  copy.holder.release();
  builder.insert(copy.group);
  copy.group.setLabelAttr(builder.getStringAttr(kAloneLabel));
  SmallVector<Value> results;
  for (Value result : copy.group.getResults()) {
    leaf::Layout layout = leaf::layoutOf(result);
    SmallVector<int64_t> flat = llvm::to_vector(llvm::seq<int64_t>(0, layout.size()));
    results.push_back(isRowMajor(layout) ? result : copied(result, flat));
  }
  func::ReturnOp::create(builder, loc, results);
  return module;
}

} // namespace longtail
