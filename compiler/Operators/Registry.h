// The operator registry: for each (domain, name, version) a rule for types and shapes and an
// expansion into the access and compute dialects. Built-in operators register in `registerAll`;
// operators defined elsewhere register into the same table under their own domain.
#pragma once
#include "compiler/Operators/Elements.h"
#include "dialects/Compute/IR/Compute.h"
#include "dialects/Extent/IR/SymbolTable.h"
#include "dialects/Graph/IR/Graph.h"
#include "llvm/ADT/StringMap.h"

namespace longtail::operators {

/// A known element of a small tensor: an expression of sizes over a positive constant. Integers
/// have denominator 1; it is only larger for floating-point tensors, where shape arithmetic passes
/// through.
struct Fraction {
  mlir::AffineExpr numerator;
  int64_t denominator = 1;
};

// Names of the discardable attributes in which inference keeps what small tensors hold: one entry
// for each result, unit where nothing is known.
inline constexpr llvm::StringLiteral kContentsAttr = "contents";
inline constexpr llvm::StringLiteral kDenominatorsAttr = "denominators";

/// The domain of operators that no model can name.
inline constexpr llvm::StringLiteral kInternalDomain = "longtail";

/// Marks the nodes that rules add.
inline constexpr llvm::StringLiteral kInternalAttr = "internal";
/// Tensors with more elements are never known element by element.
inline constexpr int64_t kMaxContents = 64;

/// `f32[s0, 3]`: an element type and sizes for messages.
std::string describe(mlir::Type type);
std::string describe(mlir::AffineExpr size);

/// Which of two sizes that are equal at run time says it better: a constant, then fewer parts, then
/// older symbols.
mlir::AffineExpr simpler(mlir::AffineExpr a, mlir::AffineExpr b);

/// The types, sizes and known contents of one node's operands, for its inference rule. Sizes are
/// expressions over the function's symbols. Every rule sets each result once or reports an error.
class InferContext {
public:
  InferContext(graph::NodeOp node, extent::SymbolTable &symbols) : node(node), symbols(symbols) {}

  // ---- the node
  graph::NodeOp getNode() const { return node; }
  int64_t version() const;
  mlir::Location getLoc() const;
  mlir::MLIRContext *getContext() const;
  /// Reports that this node cannot be compiled: operator, version, name and operands precede the
  /// reason that the caller streams.
  mlir::InFlightDiagnostic error() const;
  bool hasReported() const { return reported; }

  // ---- operands
  unsigned numInputs() const;
  unsigned numOutputs() const;
  /// True where operand `i` is given (trailing and skipped optional inputs are not).
  bool hasInput(unsigned i) const;
  bool hasOutput(unsigned i) const;
  mlir::Value inputValue(unsigned i) const;
  /// The type of operand `i`, a ranked tensor; inference stops before a rule sees anything else.
  mlir::RankedTensorType inputType(unsigned i) const;
  mlir::Type elementType(unsigned i) const { return inputType(i).getElementType(); }
  int64_t rank(unsigned i) const { return inputType(i).getRank(); }
  llvm::SmallVector<mlir::AffineExpr> sizes(unsigned i) const;
  /// The constant behind operand `i` (through Identity), or null.
  mlir::ElementsAttr constant(unsigned i) const;
  /// The elements of a small tensor of integers or bools (row-major) where they are known as
  /// expressions of sizes; constants are known.
  std::optional<llvm::SmallVector<mlir::AffineExpr>> contents(unsigned i) const;
  /// The same for tensors of any numeric type.
  std::optional<llvm::SmallVector<Fraction>> fractions(unsigned i) const;
  /// Like `contents`, but elements that are not known become symbols read at run time
  /// (`extent.bind`) within [min, max]. Needs a static number of elements.
  mlir::FailureOr<llvm::SmallVector<mlir::AffineExpr>> contentsOrBind(unsigned i, int64_t min,
                                                                      int64_t max);
  /// The constant integers of operand `i`, if all of them are known now.
  std::optional<llvm::SmallVector<int64_t>> constantInts(unsigned i) const;
  /// The constant numbers of operand `i`, likewise.
  std::optional<llvm::SmallVector<double>> constantNumbers(unsigned i) const;

  // ---- attributes
  mlir::Attribute attribute(llvm::StringRef name) const;
  int64_t getInt(llvm::StringRef name, int64_t otherwise) const;
  float getFloat(llvm::StringRef name, float otherwise) const;
  llvm::StringRef getString(llvm::StringRef name, llvm::StringRef otherwise) const;
  std::optional<llvm::SmallVector<int64_t>> getInts(llvm::StringRef name) const;
  std::optional<llvm::SmallVector<float>> getFloats(llvm::StringRef name) const;

  // ---- sizes
  extent::SymbolTable &getSymbols() const { return symbols; }
  mlir::AffineExpr constantExpr(int64_t value) const;
  /// Numpy broadcasting of two sizes: equal, or one of them 1 (decided at run time if need be,
  /// unless the sizes must agree).
  mlir::FailureOr<mlir::AffineExpr> broadcast(mlir::AffineExpr a, mlir::AffineExpr b);
  mlir::FailureOr<llvm::SmallVector<mlir::AffineExpr>>
  broadcast(llvm::ArrayRef<mlir::AffineExpr> a, llvm::ArrayRef<mlir::AffineExpr> b);
  /// True for two different sizes that a model can only mean to be equal: they depend on the same
  /// dimension of an input, or one is a constant and the other computed. They are required to be
  /// equal at run time, although one of them might happen to be 1; readers then need no 0/1
  /// factors.
  bool mustAgree(mlir::AffineExpr a, mlir::AffineExpr b) const;
  /// `axis` counted from the front, or an error where it is not in [-rank, rank).
  mlir::FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank) const;

  // ---- results
  void setResult(unsigned i, mlir::Type elementType, llvm::ArrayRef<mlir::AffineExpr> sizes);
  /// Records what a small tensor of integers holds.
  void setContents(unsigned i, llvm::ArrayRef<mlir::AffineExpr> elements);
  void setFractions(unsigned i, llvm::ArrayRef<Fraction> elements);

protected:
  mutable graph::NodeOp node; // generated accessors are not const
  extent::SymbolTable &symbols;

private:
  mutable bool reported = false; // whether `error` was called
};

/// Works out what the results of a node hold, where its operator computes with sizes, and records
/// it. Runs after the operator's own rule.
void inferContents(InferContext &context);

/// Inference is done: operands are tensors with sizes, results have types. The expansion builds
/// `compute` and `access` operations and sets the value of each result.
class ExpandContext : public InferContext {
public:
  ExpandContext(graph::NodeOp node, extent::SymbolTable &symbols, mlir::OpBuilder &builder)
      : InferContext(node, symbols), builder(builder), values(node->getNumResults()) {}

  mlir::OpBuilder &getBuilder() const { return builder; }
  mlir::Value input(unsigned i) const { return inputValue(i); }
  mlir::RankedTensorType resultType(unsigned i) const;
  void setValue(unsigned i, mlir::Value value) { values[i] = value; }
  llvm::ArrayRef<mlir::Value> getValues() const { return values; }

  // ---- helpers for common shapes of access
  mlir::AffineExpr dim(unsigned position) const;
  mlir::AffineExpr expr(int64_t value) const { return constantExpr(value); }
  /// A map from `domainRank` dimensions to `indices`; symbols are counted.
  access::MapAttr access(unsigned domainRank, llvm::ArrayRef<mlir::AffineExpr> indices) const;
  /// The same with conditions `0 <= valid_i < below_i`.
  access::MapAttr access(unsigned domainRank, llvm::ArrayRef<mlir::AffineExpr> indices,
                         llvm::ArrayRef<mlir::AffineExpr> valid,
                         llvm::ArrayRef<mlir::AffineExpr> below) const;
  /// Numpy broadcasting of a tensor of `sizes` into a domain of `domainSizes` (its last
  /// dimensions): dimensions of size 1 read index 0; where 1 is decided at run time, a derived 0/1
  /// factor does.
  access::MapAttr broadcastAccess(llvm::ArrayRef<mlir::AffineExpr> sizes,
                                  llvm::ArrayRef<mlir::AffineExpr> domainSizes) const;
  /// A read of `source` through `access`, of the given sizes.
  mlir::Value read(mlir::Value source, access::MapAttr access,
                   llvm::ArrayRef<mlir::AffineExpr> sizes, mlir::TypedAttr fill = {}) const;
  /// The elements of `source` in row-major order, in a tensor of `sizes` (as many elements).
  mlir::Value reshape(mlir::Value source, llvm::ArrayRef<mlir::AffineExpr> sizes) const;
  /// A dimension permutation: result dimension `i` is source dimension `order[i]`.
  mlir::Value transpose(mlir::Value source, llvm::ArrayRef<int64_t> order) const;
  /// A pointwise map with NumPy broadcasting of all operands to `result`.
  mlir::Value pointwise(mlir::RankedTensorType result, llvm::ArrayRef<mlir::Value> operands,
                        compute::BodyBuilder body) const;
  /// A tensor of `sizes` that holds `value` everywhere; constant where the sizes are.
  mlir::Value splat(llvm::ArrayRef<mlir::AffineExpr> sizes, mlir::Type elementType,
                    mlir::TypedAttr value) const;
  /// A small tensor that holds these expressions of sizes.
  mlir::Value materialize(mlir::RankedTensorType type,
                          llvm::ArrayRef<mlir::AffineExpr> elements) const;
  /// Every element converted to `elementType` with the rules of ONNX Cast for numbers (bool is
  /// "not 0"; floating-point to integer truncates).
  mlir::Value castTo(mlir::Value source, mlir::Type elementType) const;

private:
  mlir::OpBuilder &builder;
  llvm::SmallVector<mlir::Value> values;
};

using InferRule = mlir::LogicalResult (*)(InferContext &);
using Expansion = mlir::LogicalResult (*)(ExpandContext &);

/// One operator from version `since` to the next registered one of its name. Operators with graphs
/// have no rules here: passes/Graph replaces them.
struct Operator {
  std::string domain, name;
  int64_t since = 1;
  InferRule infer = nullptr;
  Expansion expand = nullptr;
  /// How many of the first operands must be given; a rule never sees a node that lacks one.
  unsigned minInputs = 1;
  /// Whether operands may be tensors of strings; other rules and expansions see numbers only.
  bool takesText = false;
  /// Whether the IR of an operator that is written in the operator language may have such nodes.
  bool isOfLanguage = false;
};

class Registry {
public:
  /// Adds an operator. Two of one domain, name and version are an error of the program.
  void add(Operator op);
  /// The newest operator whose version is at most `version`, or null.
  const Operator *lookup(llvm::StringRef domain, llvm::StringRef name, int64_t version) const;
  /// All operators, sorted by domain, name and version.
  std::vector<const Operator *> all() const;

  /// The table with all built-in operators.
  static const Registry &builtin();

private:
  llvm::StringMap<std::vector<std::unique_ptr<Operator>>> operators; // "domain::name", by version
};

// One function for each group of operators, each in a file of its own.
void registerElementwise(Registry &registry);
void registerActivation(Registry &registry);
void registerReduction(Registry &registry);
void registerContraction(Registry &registry);
void registerConvolution(Registry &registry);
void registerPooling(Registry &registry);
void registerNormalization(Registry &registry);
void registerShape(Registry &registry);
void registerGather(Registry &registry);
void registerResize(Registry &registry);
void registerCast(Registry &registry);
void registerAttention(Registry &registry);
void registerLoss(Registry &registry);
void registerQuantization(Registry &registry);
void registerDropout(Registry &registry);
void registerCenterCropPad(Registry &registry);
void registerBitCast(Registry &registry);
void registerEinsum(Registry &registry);
void registerCompaction(Registry &registry);
void registerCumulative(Registry &registry);
void registerReverseSequence(Registry &registry);
void registerScatter(Registry &registry);
void registerTensorScatter(Registry &registry);
void registerTopK(Registry &registry);
void registerUnique(Registry &registry);
void registerNonMaxSuppression(Registry &registry);
void registerMaxUnpool(Registry &registry);
void registerCol2Im(Registry &registry);
void registerLstm(Registry &registry);
void registerGru(Registry &registry);
void registerRnn(Registry &registry);
void registerQuantizedLstm(Registry &registry);
void registerLinearAttention(Registry &registry);
void registerCausalConvolution(Registry &registry);
void registerGridSample(Registry &registry);
void registerDeformableConvolution(Registry &registry);
void registerRegionPooling(Registry &registry);
void registerQuantizedLinear(Registry &registry);
void registerRandom(Registry &registry);
void registerSignal(Registry &registry);
void registerMelWeightMatrix(Registry &registry);
void registerDeterminant(Registry &registry);
void registerAffineGrid(Registry &registry);
void registerTraining(Registry &registry);
void registerText(Registry &registry);
void registerTextPattern(Registry &registry);
void registerTfIdf(Registry &registry);
void registerLabelEncoder(Registry &registry);
void registerFeatureOperators(Registry &registry);
void registerTreeEnsemble(Registry &registry);

/// What the inference rule of an internal operator begins with: refuses a node of a model.
mlir::LogicalResult requireInternal(InferContext &ctx);

} // namespace longtail::operators
