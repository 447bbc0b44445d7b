#include "compiler/Import/Onnx/ModelBuilder.h"
#include "dialects/Graph/IR/Graph.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace longtail::onnx;
namespace graph = longtail::graph;

llvm::StringRef longtail::onnx::normalizeDomain(llvm::StringRef domain) {
  return domain == "ai.onnx" ? "" : domain;
}

static std::string quoteDomain(llvm::StringRef domain) {
  return domain.empty() ? "'ai.onnx'" : "'" + domain.str() + "'";
}

void ModelBuilder::readOpsets(const OpsetList &imports, Location loc, const llvm::Twine &importer,
                              llvm::StringMap<int64_t> &opsets) {
  for (const ::onnx::OperatorSetIdProto &opset : imports) {
    llvm::StringRef domain = normalizeDomain(opset.domain());
    auto [known, isNew] = opsets.try_emplace(domain, opset.version());
    if (!isNew && known->second != opset.version())
      report.error(loc, importer + " imports versions " + llvm::Twine(known->second) + " and " +
                            llvm::Twine(opset.version()) + " of domain " + quoteDomain(domain));
    if (domain.empty() && (opset.version() < kMinOpset || opset.version() > kMaxOpset))
      report.error(loc, importer + " imports version " + llvm::Twine(opset.version()) +
                            " of domain 'ai.onnx'; versions " + llvm::Twine(kMinOpset) + " to " +
                            llvm::Twine(kMaxOpset) + " are supported");
    else if (opset.version() < 1)
      report.error(loc, importer + " imports version " + llvm::Twine(opset.version()) +
                            " of domain " + quoteDomain(domain));
  }
}

void ModelBuilder::setModuleAttributes(ModuleOp module, const Frame &frame,
                                       llvm::StringRef fileName) {
  NamedAttrList opsets, metadata;
  for (const auto &opset : frame.opsets) // An attribute needs a name: "ai.onnx" has one again.
    opsets.set(opset.first().empty() ? "ai.onnx" : opset.first(),
               builder.getI64IntegerAttr(opset.second));
  for (const ::onnx::StringStringEntryProto &entry : model.metadata_props())
    if (!entry.key().empty())
      metadata.set(entry.key(), builder.getStringAttr(entry.value()));
  std::string producer = model.producer_name();
  if (!model.producer_version().empty())
    producer += (producer.empty() ? "" : " ") + model.producer_version();
  module->setAttr(graph::kOpsetsAttr, opsets.getDictionary(builder.getContext()));
  module->setAttr(graph::kMetadataAttr, metadata.getDictionary(builder.getContext()));
  module->setAttr(graph::kProducerAttr, builder.getStringAttr(producer));
  module->setAttr(graph::kIrVersionAttr, builder.getI64IntegerAttr(model.ir_version()));
  module->setAttr(graph::kSourceAttr, builder.getStringAttr(fileName));
}

/// The names of dimensions, or null where none has one.
static ArrayAttr getDimNames(OpBuilder &builder, ArrayRef<llvm::StringRef> names) {
  bool hasNames = llvm::any_of(names, [](llvm::StringRef name) { return !name.empty(); });
  return hasNames ? builder.getStrArrayAttr(names) : ArrayAttr();
}

void ModelBuilder::buildMain(func::FuncOp function, Scope &scope) {
  const ::onnx::GraphProto &graph = model.graph();
  MLIRContext *context = builder.getContext();
  entry = function.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  addDeclaredTypes(graph, scope);
  addInitializers(graph, scope);

  SmallVector<Type> argumentTypes;
  SmallVector<DictionaryAttr> argumentAttrs;
  llvm::StringSet<> inputNames;
  for (auto [index, input] : llvm::enumerate(graph.input())) {
    Location loc = report.getValueLoc(input.name());
    std::string text = "input '" + input.name() + "'";
    if (input.name().empty())
      report.error(loc, "input " + llvm::Twine(index) + " has no name");
    else if (!inputNames.insert(input.name()).second)
      report.error(loc, text + " is listed twice");
    else if (scope.values.contains(input.name()))
      continue; // Before version 4 of the format, initializers had to be inputs as well.
    else {
      SmallVector<llvm::StringRef> dimNames;
      llvm::Expected<Type> type = convertType(input.type(), context, &dimNames);
      if (!type) {
        report.error(loc, text + " ", type.takeError());
        scope.values[input.name()] = getNone();
        continue;
      }
      NamedAttrList attrs;
      attrs.set(graph::kNameAttr, builder.getStringAttr(input.name()));
      if (ArrayAttr names = getDimNames(builder, dimNames))
        attrs.set(graph::kDimNamesAttr, names);
      argumentTypes.push_back(*type);
      argumentAttrs.push_back(attrs.getDictionary(context));
      define(scope, input.name(), entry->addArgument(*type, loc), loc);
    }
  }

  buildNodes(graph.node(), scope);

  SmallVector<Value> results;
  SmallVector<DictionaryAttr> resultAttrs;
  llvm::StringSet<> outputNames;
  for (const ::onnx::ValueInfoProto &output : graph.output()) {
    Location loc = report.getValueLoc(output.name());
    if (!outputNames.insert(output.name()).second)
      report.error(loc, "output '" + output.name() + "' is listed twice");
    Value value = use(scope, output.name(), loc, "the graph's output");
    results.push_back(value);
    NamedAttrList attrs;
    attrs.set(graph::kNameAttr, builder.getStringAttr(output.name()));
    SmallVector<llvm::StringRef> dimNames;
    llvm::Expected<Type> declared = convertType(output.type(), context, &dimNames);
    if (declared) {
      attrs.set(graph::kDeclaredTypeAttr, TypeAttr::get(*declared));
      auto ranked = dyn_cast<RankedTensorType>(value.getType());
      bool fits = !ranked || ranked.getRank() == static_cast<int64_t>(dimNames.size());
      if (ArrayAttr names = fits ? getDimNames(builder, dimNames) : ArrayAttr())
        attrs.set(graph::kDimNamesAttr, names);
    } else {
      llvm::consumeError(declared.takeError());
    }
    resultAttrs.push_back(attrs.getDictionary(context));
  }
  func::ReturnOp::create(builder, report.getFileLoc(), results);
  function.setFunctionType(builder.getFunctionType(argumentTypes, ValueRange(results).getTypes()));
  function.setAllArgAttrs(argumentAttrs);
  function.setAllResultAttrs(resultAttrs);
}

OwningOpRef<ModuleOp> ModelBuilder::build(llvm::StringRef fileName) {
  Location loc = report.getFileLoc();
  if (model.ir_version() < kMinIrVersion || model.ir_version() > kMaxIrVersion)
    report.error(loc, "the model has version " + llvm::Twine(model.ir_version()) +
                          " of ONNX's format; versions " + llvm::Twine(kMinIrVersion) + " to " +
                          llvm::Twine(kMaxIrVersion) + " are supported");
  if (!model.has_graph())
    report.error(loc, "the model has no graph");
  if (model.opset_import().empty())
    report.error(loc, "the model imports no operators: opset_import is missing");
  Frame frame;
  readOpsets(model.opset_import(), loc, "the model", frame.opsets);
  readFunctions();
  if (report.hasErrors())
    return nullptr;

  OwningOpRef<ModuleOp> module = ModuleOp::create(builder, loc);
  setModuleAttributes(*module, frame, fileName);
  builder.setInsertionPointToStart(module->getBody());
  auto function = func::FuncOp::create(builder, loc, "main", builder.getFunctionType({}, {}));
  function->setAttr(graph::kNameAttr, builder.getStringAttr(model.graph().name()));
  Scope scope{frame};
  buildMain(function, scope);
  if (report.hasErrors())
    return nullptr;
  return module;
}
