// Calls of operators that are written in the operator language: the IR that such a node carries
// takes its place, with the caller's sizes.
#include "dialects/Access/IR/Access.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Parser/Parser.h"
#include "passes/Graph/FunctionInference.h"

using namespace mlir;

namespace longtail {

namespace {

class LanguageCall {
public:
  LanguageCall(FunctionInference &inference, operators::InferContext &context)
      : inference(inference), context(context), node(context.getNode()),
        symbols(inference.getSymbols()), builder(node) {}

  LogicalResult replace();

private:
  LogicalResult parse();
  void passArguments();
  /// What an operation of the operator's function becomes.
  LogicalResult take(Operation &op);
  LogicalResult require(extent::CheckOp check);
  /// The operator's nodes are inferred anew.
  LogicalResult takeNode(graph::NodeOp op);

  AffineExpr translate(AffineExpr expr, unsigned dims = 0);
  AffineMap translate(AffineMap map);
  void define(uint64_t symbol, AffineExpr value) { known[symbol] = value; }
  void addReplacements();
  /// `value` as a tensor whose sizes are written as in `type`.
  Value as(RankedTensorType type, Value value);

  FunctionInference &inference;
  operators::InferContext &context;
  graph::NodeOp node;
  extent::SymbolTable &symbols;
  OpBuilder builder;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  llvm::DenseMap<uint64_t, AffineExpr> known; // the operator's symbols
  bool isUndefined = false;                   // some symbol was used before its definition
  IRMapping mapping;
  AttrTypeReplacer replacer;
};

LogicalResult LanguageCall::parse() {
  auto text = dyn_cast_or_null<StringAttr>(context.attribute("module"));
  if (!text || text.empty())
    return context.error() << "attribute 'module' must be the operator's IR";
  module = parseSourceString<ModuleOp>(text.str(), node.getContext(), "operator");
  if (module)
    function = module->lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal() || !function.getBody().hasOneBlock())
    return context.error() << "attribute 'module' is no operator's IR";
  unsigned arguments = function.getNumArguments();
  if (context.numInputs() != arguments)
    return context.error() << context.numInputs() << " inputs given, the operator has "
                           << arguments;
  if (context.numOutputs() > function.getNumResults())
    return context.error() << context.numOutputs() << " outputs wanted, the operator has "
                           << function.getNumResults();
  for (unsigned i = 0; i < arguments; ++i) {
    auto name = function.getArgAttrOfType<StringAttr>(i, graph::kNameAttr);
    StringRef text = name ? name.getValue() : StringRef("?");
    auto type = dyn_cast<RankedTensorType>(function.getArgument(i).getType());
    if (!type || !context.hasInput(i))
      return context.error() << "input " << i << " ('" << text << "') is missing";
    if (context.elementType(i) != type.getElementType() || context.rank(i) != type.getRank())
      return context.error() << "input " << i << " ('" << text << "') is "
                             << operators::describe(context.inputType(i)) << ", the operator takes "
                             << type.getElementType() << " of rank " << type.getRank();
  }
  return success();
}

AffineExpr LanguageCall::translate(AffineExpr expr, unsigned dims) {
  SmallVector<AffineExpr> values(extent::symbolCount(expr),
                                 getAffineConstantExpr(0, node.getContext()));
  expr.walk([&](AffineExpr part) {
    auto symbol = dyn_cast<AffineSymbolExpr>(part);
    if (!symbol)
      return;
    if (AffineExpr value = known.lookup(symbol.getPosition()))
      values[symbol.getPosition()] = value;
    else
      isUndefined = true;
  });
  return simplifyAffineExpr(expr.replaceSymbols(values), dims, symbols.size());
}

AffineMap LanguageCall::translate(AffineMap map) {
  SmallVector<AffineExpr> results;
  for (AffineExpr each : map.getResults())
    results.push_back(translate(each, map.getNumDims()));
  return AffineMap::get(map.getNumDims(), extent::symbolCount(results), results, map.getContext());
}

void LanguageCall::addReplacements() {
  replacer.addReplacement([&](AffineMapAttr map) -> std::pair<Attribute, WalkResult> {
    return {AffineMapAttr::get(translate(map.getValue())), WalkResult::skip()};
  });
  replacer.addReplacement([&](access::MapAttr map) -> std::pair<Attribute, WalkResult> {
    bool isTotal = map.isTotal();
    AffineMap valid = isTotal ? AffineMap() : translate(map.getValid());
    AffineMap below = isTotal ? AffineMap() : translate(map.getBelow());
    return {access::MapAttr::get(map.getContext(), translate(map.getMap()), valid, below),
            WalkResult::skip()};
  });
  replacer.addReplacement([&](RankedTensorType type) -> std::pair<Type, WalkResult> {
    if (!type.getEncoding())
      return {type, WalkResult::skip()};
    SmallVector<AffineExpr> sizes;
    for (AffineExpr size : extent::sizesOf(type))
      sizes.push_back(translate(size));
    return {extent::tensorType(sizes, type.getElementType()), WalkResult::skip()};
  });
}

Value LanguageCall::as(RankedTensorType type, Value value) {
  if (value.getType() == type)
    return value;
  return access::ReadOp::create(builder, node.getLoc(), type, value,
                                access::MapAttr::getIdentity(node.getContext(), type.getRank()),
                                TypedAttr());
}

LogicalResult LanguageCall::require(extent::CheckOp check) {
  ArrayRef<AffineExpr> args = check.getArgs().getResults();
  AffineExpr left = translate(args[0]), right = translate(args[1]);
  bool isEqual = check.getFunction() == extent::Function::Equal;
  if (check.getFunction() == extent::Function::Less)
    left = left + 1;
  else if (!isEqual && check.getFunction() != extent::Function::LessEqual)
    return context.error() << "the operator's IR has a check that is no comparison";
  StringRef message = check.getMessage();
  if (succeeded(isEqual ? symbols.requireEqual(left, right, message)
                        : symbols.requireAtMost(left, right, message)))
    return success();
  return context.error() << message;
}

LogicalResult LanguageCall::take(Operation &op) {
  if (auto symbol = dyn_cast<extent::SymbolOp>(op)) {
    if (symbol.getInput() >= context.numInputs() ||
        static_cast<int64_t>(symbol.getDim()) >= context.rank(symbol.getInput()))
      return context.error() << "the operator's IR has the size of a dimension that is not there";
    define(symbol.getId(), context.sizes(symbol.getInput())[symbol.getDim()]);
    return success();
  }
  if (auto derived = dyn_cast<extent::DerivedOp>(op)) {
    SmallVector<AffineExpr> args;
    for (AffineExpr each : derived.getArgs().getResults())
      args.push_back(translate(each));
    define(derived.getId(), symbols.derive(derived.getFunction(), args));
    return success();
  }
  if (auto check = dyn_cast<extent::CheckOp>(op))
    return require(check);
  if (auto bind = dyn_cast<extent::BindOp>(op)) {
    define(bind.getId(), symbols.bind(builder, node.getLoc(), mapping.lookup(bind.getSource()),
                                      bind.getIndex(), bind.getMin(), bind.getMax()));
    return success();
  }
  if (auto inner = dyn_cast<graph::NodeOp>(op))
    return takeNode(inner);
  if (isa<extent::MeasureOp, func::CallOp>(op))
    return context.error() << "the operator's IR has '" << op.getName()
                           << "', which the operator language does not make";
  Operation *copy = builder.clone(op, mapping);
  replacer.recursivelyReplaceElementsIn(copy, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  return success();
}

LogicalResult LanguageCall::takeNode(graph::NodeOp op) {
  const operators::Operator *known =
      operators::Registry::builtin().lookup(op.getDomain(), op.getOpType(), op.getVersion());
  if (!known || !known->isOfLanguage)
    return context.error() << "the operator's IR has a node '" << op.getOpType()
                           << "', which the operator language does not make";
  auto copy = cast<graph::NodeOp>(builder.clone(*op.getOperation(), mapping));
  replacer.recursivelyReplaceElementsIn(copy, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  SmallVector<Type> written(copy->getResultTypes());
  copy->setLoc(node.getLoc()); // where an error of inference is
  if (failed(inference.infer(copy)))
    return failure();
  copy->setLoc(op.getLoc());
  for (auto [type, given, result] : llvm::zip_equal(written, op.getResults(), copy.getResults())) {
    auto tensor = dyn_cast<RankedTensorType>(type),
         found = dyn_cast<RankedTensorType>(result.getType());
    if (!tensor || !found || tensor.getElementType() != found.getElementType() ||
        tensor.getRank() != found.getRank())
      return context.error() << "the operator's IR has a node '" << op.getOpType()
                             << "' with results of other types";
    mapping.map(given, as(tensor, result));
  }
  return success();
}

LogicalResult LanguageCall::replace() {
  if (failed(parse()))
    return failure();
  addReplacements();
  Block &body = function.getBody().front();
  bool areMapped = false;
  for (Operation &op : body.without_terminator()) {
    // Sizes of arguments come first, then what is known of them.
    if (!areMapped && !isa<extent::SymbolOp, extent::DerivedOp, extent::CheckOp>(op)) {
      passArguments();
      areMapped = true;
    }
    if (failed(take(op)))
      return failure();
  }
  if (!areMapped)
    passArguments();
  if (isUndefined)
    return context.error() << "the operator's IR has sizes that it does not define";
  Operation *terminator = body.getTerminator();
  for (auto [result, value] : llvm::zip_first(node.getResults(), terminator->getOperands()))
    if (!isa<NoneType>(result.getType()))
      result.replaceAllUsesWith(mapping.lookup(value));
  node.erase();
  return success();
}

void LanguageCall::passArguments() {
  for (BlockArgument argument : function.getArguments()) {
    Type type = replacer.replace(argument.getType());
    mapping.map(argument,
                as(cast<RankedTensorType>(type), context.inputValue(argument.getArgNumber())));
  }
}

} // namespace

LogicalResult inferLanguageCall(FunctionInference &inference, operators::InferContext &context) {
  return LanguageCall(inference, context).replace();
}

} // namespace longtail
