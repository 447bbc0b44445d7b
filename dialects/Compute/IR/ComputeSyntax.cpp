// The textual form of compute.map and compute.reduce.
#include "dialects/Compute/IR/Compute.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;

namespace longtail::compute {

/// Prints `(%x at #access.map<...> fill 0.0 : f32, ...) attrs : (types) -> types { region }`.
static void printCommon(OpAsmPrinter &printer, Operation *op, ArrayAttr accesses, ArrayAttr fills,
                        ArrayRef<StringRef> elided) {
  printer << " (";
  llvm::interleaveComma(llvm::enumerate(op->getOperands()), printer, [&](auto item) {
    printer << item.value() << " at " << accesses[item.index()];
    if (!isa<UnitAttr>(fills[item.index()]))
      printer << " fill " << fills[item.index()];
  });
  printer << ")";
  SmallVector<StringRef> names(elided);
  names.append({"accesses", "fills"});
  printer.printOptionalAttrDict(op->getAttrs(), names);
  printer << " : ";
  printer.printFunctionalType(op);
  printer << " ";
  printer.printRegion(op->getRegion(0));
}

static ParseResult parseCommon(OpAsmParser &parser, OperationState &state) {
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Attribute> accesses, fills;
  Builder &builder = parser.getBuilder();
  auto parseOne = [&]() -> ParseResult {
    Attribute access, fill = builder.getUnitAttr();
    if (parser.parseOperand(operands.emplace_back()) || parser.parseKeyword("at") ||
        parser.parseAttribute(access))
      return failure();
    if (succeeded(parser.parseOptionalKeyword("fill")) && parser.parseAttribute(fill))
      return failure();
    accesses.push_back(access);
    fills.push_back(fill);
    return success();
  };
  FunctionType type;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, parseOne) ||
      parser.parseOptionalAttrDict(state.attributes) || parser.parseColonType(type) ||
      parser.resolveOperands(operands, type.getInputs(), loc, state.operands) ||
      parser.parseRegion(*state.addRegion()))
    return failure();
  state.addTypes(type.getResults());
  state.addAttribute("accesses", builder.getArrayAttr(accesses));
  state.addAttribute("fills", builder.getArrayAttr(fills));
  return success();
}

void MapOp::print(OpAsmPrinter &printer) {
  printCommon(printer, *this, getAccesses(), getFills(), {});
}

ParseResult MapOp::parse(OpAsmParser &parser, OperationState &state) {
  return parseCommon(parser, state);
}

void ReduceOp::print(OpAsmPrinter &printer) {
  printer << " " << stringifyCombiner(getCombiner()) << " over " << getExtentsAttr();
  printCommon(printer, *this, getAccesses(), getFills(), {"combiner", "extents"});
}

ParseResult ReduceOp::parse(OpAsmParser &parser, OperationState &state) {
  StringRef keyword;
  AffineMapAttr extents;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&keyword) || parser.parseKeyword("over") ||
      parser.parseAttribute(extents))
    return failure();
  std::optional<Combiner> combiner = symbolizeCombiner(keyword);
  if (!combiner)
    return parser.emitError(loc) << "'" << keyword << "' is not a combiner";
  state.addAttribute("combiner", CombinerAttr::get(parser.getContext(), *combiner));
  state.addAttribute("extents", extents);
  return parseCommon(parser, state);
}

} // namespace longtail::compute
