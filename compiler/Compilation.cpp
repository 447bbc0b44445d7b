#include "compiler/Compilation.h"
#include "codegen/Emit/Emit.h"
#include "compiler/Constants/Evaluate.h"
#include "compiler/Operators/Registry.h"
#include "compiler/Plan/Variants.h"
#include "compiler/Report/Report.h"
#include "compiler/Reproducer.h"
#include "compiler/RunPipeline.h"
#include "compiler/Version.h"
#include "dialects/Graph/IR/Graph.h"
#include "dialects/Register.h"
#include "mlir/Parser/Parser.h"
#include "passes/Schedule/Records.h"
#include "passes/Schedule/RegisterTile.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <chrono>
#include <thread>

using namespace mlir;
namespace json = llvm::json;

namespace longtail {

static constexpr report::ExampleSizes kExample;

bool Compilation::fail(const llvm::Twine &message) {
  errors.push_back(message.str());
  return false;
}

llvm::Error Compilation::takeErrors() {
  std::vector<std::string> all = std::move(errors);
  if (diagnostics)
    for (std::string &text : diagnostics->takeErrors())
      all.push_back(std::move(text));
  if (all.empty())
    all.push_back("compilation failed without saying why");
  return llvm::make_error<CompileError>(std::move(all));
}

bool Compilation::checkOptions() {
  for (auto [name, place] : {std::pair(&options.from, &first), {&options.to, &last}}) {
    std::optional<unsigned> phase = findPhase(*name);
    if (!phase)
      fail("there is no phase '" + *name + "'");
    else
      *place = *phase;
  }
  for (const std::string &name : options.naivePhases)
    if (!llvm::is_contained(phasesWithNaiveForm(), name))
      fail("phase '" + name + "' has no naive form; there is one of " +
           llvm::join(phasesWithNaiveForm(), ", "));
  if (errors.empty() && first > last)
    fail("phase '" + options.from + "' comes after '" + options.to + "'");
  if (options.targets.empty())
    fail("no target is given");
  for (const std::string &name : options.targets) {
    const target::TargetDescription *found = target::lookupTarget(name);
    if (!found && name != "host") {
      std::string known = "host";
      for (const target::TargetDescription &each : target::allTargets())
        known += ", " + each.name;
      fail("there is no target '" + name + "'; known are " + known);
      continue;
    }
    target::TargetDescription description = found ? *found : target::hostTarget();
    auto isSame = [&](const auto &other) { return other.name == description.name; };
    if (llvm::none_of(targets, isSame))
      targets.push_back(std::move(description));
  }
  return errors.empty();
}

void Compilation::makeContext() {
  DialectRegistry registry;
  registerDialects(registry);
  emit::registerEmitDialects(registry);
  artifact.context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  artifact.context->loadAllAvailableDialects();
  if (options.threads != 1)
    artifact.context->enableMultithreading();
  diagnostics = std::make_unique<DiagnosticCollector>(*artifact.context);
}

bool Compilation::readSource() {
  StringRef bytes = source.bytes;
  std::unique_ptr<llvm::MemoryBuffer> buffer;
  if (!source.path.empty()) {
    auto file = llvm::MemoryBuffer::getFile(source.path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
    if (!file)
      return fail("'" + source.path + "': " + file.getError().message());
    buffer = std::move(*file);
    bytes = buffer->getBuffer();
  }
  sourceDigest = sha256(bytes);
  sourceBytes = bytes.size();
  if (first == 0) {
    onnx::ImportOptions limits = options.limits;
    limits.isOperator = [](StringRef domain, StringRef name, int64_t version) {
      return operators::Registry::builtin().lookup(domain, name, version) != nullptr;
    };
    auto imported = source.path.empty()
                        ? onnx::importBytes(bytes, source.name, *artifact.context, limits)
                        : onnx::importFile(source.path, *artifact.context, limits);
    if (failed(imported))
      return false;
    module = std::move(*imported);
    return true;
  }
  // The parser wants a text that ends in NUL.
  std::string name = source.path.empty() ? source.name : source.path;
  module = parseSourceString<ModuleOp>(bytes, artifact.context.get(), name);
  return bool(module);
}

/// Directory entries come in the order of the phases.
static std::string fileName(unsigned number, const Phase &phase, StringRef target) {
  std::string name = (number < 10 ? "0" : "") + std::to_string(number) + "-" + phase.name.str();
  return target.empty() ? name : name + "." + target.str();
}

std::string Compilation::textOf(const Phase &phase, const Branch *branch) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (phase.name == "llvm")
    return branch->image.optimizedText;
  if (phase.name == "artifact")
    return llvm::formatv("{0:2}\n", json::Value(json::Object(artifact.report))).str();
  ModuleOp shown = branch ? *branch->module : *module;
  OpPrintingFlags flags;
  if (!options.keepWeights)
    flags.elideLargeElementsAttrs(64).elideLargeResourceString(64);
  if (options.keepPlaces)
    flags.enableDebugInfo();
  shown->print(stream, flags);
  return text;
}

void Compilation::keepPass(const Phase &phase, StringRef pass, const Branch *branch) {
  std::string text = textOf(phase, branch);
  if (!artifact.stages.empty() && artifact.stages.back().second == text)
    return;
  auto isOfPhase = [&](const auto &stage) {
    return StringRef(stage.first).starts_with(phase.name);
  };
  artifact.stages.emplace_back(phase.name.str() + " " +
                                   std::to_string(llvm::count_if(artifact.stages, isOfPhase) + 1) +
                                   " " + pass.str(),
                               std::move(text));
}

bool Compilation::keepText(const Phase &phase, const Branch *branch) {
  bool several = branch && branches.size() > 1;
  if (options.keepStages)
    artifact.stages.emplace_back(several ? phase.name.str() + "." + branch->target->name
                                         : phase.name.str(),
                                 textOf(phase, branch));
  if (options.dumpDirectory.empty())
    return true;
  if (std::error_code error = llvm::sys::fs::create_directories(options.dumpDirectory))
    return fail("'" + options.dumpDirectory + "': " + error.message());
  auto write = [&](StringRef extension, StringRef text) {
    llvm::SmallString<128> path(options.dumpDirectory);
    std::string name = fileName(&phase - phases().begin(), phase,
                                several ? StringRef(branch->target->name) : StringRef());
    llvm::sys::path::append(path, name + extension);
    std::error_code error;
    llvm::raw_fd_ostream file(path, error);
    file << text;
    file.close();
    if (!error)
      error = file.error();
    file.clear_error();
    return !error || fail("'" + path + "': " + error.message());
  };
  StringRef extension = phase.name == "llvm" ? ".ll" : phase.name == "artifact" ? ".json" : ".mlir";
  if (!write(extension, textOf(phase, branch)))
    return false;
  return phase.name != "llvm" || write(".s", branch->image.assemblyText);
}

bool Compilation::compileKernels(Branch &branch) {
  emit::EmitOptions emitOptions;
  emitOptions.threads = options.threads ? options.threads : std::thread::hardware_concurrency();
  emitOptions.keepOptimized = options.keepStages || !options.dumpDirectory.empty();
  bool keepCode = options.keepCode && &branch == &branches.front();
  emitOptions.keepAssembly = !options.dumpDirectory.empty() || keepCode;
  emitOptions.keepObjects = keepCode;
  OwningOpRef<ModuleOp> kernels = plan::takeKernels(*branch.module);
  Reproducer reproducer(options.reproducer, "compiling to machine code", *kernels);
  FailureOr<emit::CodeImage> image = emit::emitCode(*kernels, *branch.target, emitOptions);
  if (failed(image))
    return false;
  reproducer.succeeded();
  branch.image = std::move(*image);
  if (keepCode) {
    artifact.assembly = branch.image.assemblyText;
    artifact.objects = std::move(branch.image.objects);
  }
  return true;
}

bool Compilation::transform(const Phase &phase, Branch *branch) {
  if (phase.name == "import")
    return readSource();
  if (phase.name == "llvm")
    return compileKernels(*branch);
  if (phase.name == "artifact")
    return assemble();
  ModuleOp subject = branch ? *branch->module : *module;
  PipelineOptions settings = options.pipeline(phase.name);
  if (phase.name == "constants" && settings.naive)
    return true; // the slow way computes them at run time
  if (phase.name == "schedule" && branch)
    attachRecords(subject, branch->target->name);
  AfterPass afterPass;
  if (options.keepPasses)
    afterPass = [&](StringRef pass, ModuleOp) { keepPass(phase, pass, branch); };
  if (failed(runPipeline(subject, phase.pipeline(settings), options.reproducer, afterPass)))
    return false;
  if (phase.name == "constants") {
    Reproducer reproducer(options.reproducer, "computing constants", subject);
    FailureOr<EvaluationSummary> summary =
        evaluateConstants(subject, options.pipeline("schedule"), options.threads);
    if (failed(summary))
      return false;
    reproducer.succeeded();
    artifact.report["constants"] = json::Object{{"functions", int64_t(summary->functions)},
                                                {"bytes", int64_t(summary->bytes)}};
  }
  if (phase.name == "schedule")
    noteRecords(subject);
  if (phase.name == "schedule" && branch == &branches.front()) {
    if (auto main = subject.lookupSymbol<func::FuncOp>("main"))
      describeGroups(main);
    if (auto main = subject.lookupSymbol<func::FuncOp>("main"); main && options.explain)
      artifact.report["accesses"] = report::describeAccesses(
          main, plan::Valuation(main, kExample.outer, kExample.inner, *options.explain));
    if (options.tuning.enabled)
      artifact.report["tuning"] = report::describeSpaces(subject, options.tuning);
  }
  return true;
}

void Compilation::attachRecords(ModuleOp subject, const std::string &target) {
  NamedAttrList records;
  Builder builder(subject.getContext());
  for (const TuningRecord &record : options.records)
    if (record.target == target && !record.group.empty())
      records.set(record.group, builder.getStringAttr(record.schedule));
  if (!records.empty())
    subject->setAttr(kRecordsAttr, records.getDictionary(subject.getContext()));
}

void Compilation::noteRecords(ModuleOp subject) {
  subject->removeAttr(kRecordsAttr);
  subject.walk([&](compute::FusedOp group) {
    ++groups;
    if (!group->hasAttr(kTunedAttr))
      return;
    ++tunedGroups;
    llvm::raw_string_ostream(obeyed) << groups << group.getScheduleAttr();
  });
}

void Compilation::describeGroups(func::FuncOp main) {
  artifact.report["groups"] = report::describeGroups(main, {});
  groupCosts = llvm::formatv("{0}", json::Value(report::describeCosts(main))).str();
}

bool Compilation::runPhase(const Phase &phase, Branch *branch) {
  if (progress && !progress(phase.name, done, total))
    return fail("compilation was stopped before phase '" + phase.name + "'");
  ++done;
  auto start = std::chrono::steady_clock::now();
  if (!transform(phase, branch))
    return false;
  std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  seconds[&phase - phases().begin()] += time.count();
  return keepText(phase, branch);
}

bool Compilation::assemble() {
  plan::WeightTable weights(artifact.program);
  json::Array variants;
  for (Branch &branch : branches) {
    std::string name = branch.target->name;
    FailureOr<container::Variant> variant =
        plan::buildVariant(*branch.module, std::move(branch.image), *branch.target, weights);
    if (failed(variant))
      return false;
    int64_t steps = 0;
    json::Array functions;
    for (const container::Function &function : variant->functions) {
      steps += function.steps.size();
      functions.push_back(report::describePlan(function, {}));
    }
    variants.push_back(json::Object{{"target", name},
                                    {"code_bytes", int64_t(variant->codeImage.size())},
                                    {"kernels", int64_t(variant->kernels.size())},
                                    {"steps", steps},
                                    {"functions", std::move(functions)}});
    artifact.program.variants.push_back(std::move(*variant));
    branch.module = nullptr;
  }
  artifact.storage = weights.takeStorage();
  for (const container::Function &function : artifact.program.variants.front().functions)
    if (function.name == "main")
      artifact.report["arena"] = report::describePlan(function, {}).getInteger("arena_bytes");
  artifact.report["variants"] = std::move(variants);
  describe();
  artifact.complete = true;
  return true;
}

void Compilation::describe() {
  container::Program &program = artifact.program;
  auto attributes = module->getOperation();
  if (auto metadata = attributes->getAttrOfType<DictionaryAttr>(graph::kMetadataAttr))
    for (NamedAttribute pair : metadata)
      program.metadata.emplace_back(pair.getName().str(), cast<StringAttr>(pair.getValue()).str());
  auto &provenance = program.provenance;
  provenance.emplace_back("compiler", "longtail " LONGTAIL_VERSION);
  provenance.emplace_back("llvm", LLVM_VERSION_STRING);
  provenance.emplace_back("source.sha256", sourceDigest);
  provenance.emplace_back("options", options.describe());
  provenance.emplace_back("options.sha256", options.hash());
  std::vector<std::string> names;
  for (const target::TargetDescription &target : targets)
    names.push_back(target.name);
  provenance.emplace_back("targets", llvm::join(names, ","));
  if (tunedGroups != 0)
    provenance.emplace_back("records", std::to_string(tunedGroups) + " of " +
                                           std::to_string(groups) + " groups, sha256 " +
                                           sha256(obeyed));
  if (auto opsets = attributes->getAttrOfType<DictionaryAttr>(graph::kOpsetsAttr))
    for (NamedAttribute opset : opsets)
      provenance.emplace_back("opset." + opset.getName().str(),
                              std::to_string(cast<IntegerAttr>(opset.getValue()).getInt()));
  if (auto producer = attributes->getAttrOfType<StringAttr>(graph::kProducerAttr))
    provenance.emplace_back("producer", producer.str());
  if (!groupCosts.empty())
    provenance.emplace_back("groups", groupCosts);
  if (std::string interface = report::describeInterface(*module); !interface.empty())
    provenance.emplace_back("interface", interface);
  for (auto &[key, value] : provenance) // file contents may hold anything
    value.erase(std::remove(value.begin(), value.end(), '\0'), value.end());

  uint64_t weightBytes = 0;
  for (const container::Weight &weight : program.weights)
    weightBytes += weight.size;
  artifact.report["weights"] =
      json::Object{{"count", int64_t(program.weights.size())}, {"bytes", int64_t(weightBytes)}};
}

void Compilation::branch() {
  MLIRContext *context = artifact.context.get();
  SmallVector<Attribute> attributes;
  for (const target::TargetDescription &target : targets)
    attributes.push_back(target::toAttribute(target, context));
  for (auto [target, attribute] : llvm::zip(targets, attributes)) {
    branches.push_back({&target, cast<ModuleOp>((*module)->clone()), {}});
    ModuleOp copy = *branches.back().module;
    copy->setAttr("kernel.target", attribute);
    if (targets.size() > 1)
      copy->setAttr(kProgramTargets, ArrayAttr::get(context, attributes));
  }
}

llvm::Expected<Artifact> Compilation::run() {
  if (!checkOptions())
    return takeErrors();
  makeContext();
  ArrayRef<Phase> table = phases();
  seconds.resize(table.size());
  for (unsigned i = first; i <= last; ++i)
    total += table[i].perTarget ? targets.size() : 1;
  if (first != 0 && !readSource())
    return takeErrors();
  for (unsigned i = first; i <= last; ++i) {
    const Phase &phase = table[i];
    if ((phase.perTarget || i + 1 == table.size()) && branches.empty())
      branch();
    if (!phase.perTarget) {
      if (!runPhase(phase, nullptr))
        return takeErrors();
      continue;
    }
    for (Branch &branch : branches)
      if (!runPhase(phase, &branch))
        return takeErrors();
  }
  json::Array warnings;
  for (const std::string &warning : diagnostics->getWarnings())
    warnings.push_back(json::fixUTF8(warning));
  artifact.report["warnings"] = std::move(warnings);
  json::Object timings;
  for (auto [phase, time] : llvm::zip(table, seconds))
    if (time > 0)
      timings[phase.name] = time;
  artifact.report["phases"] = std::move(timings);
  artifact.report["source"] =
      json::Object{{"sha256", sourceDigest}, {"bytes", int64_t(sourceBytes)}};
  branches.clear();
  module = nullptr;
  diagnostics.reset();
  return std::move(artifact);
}

llvm::Expected<json::Object> Compilation::inspect() {
  makeContext();
  if (!readSource())
    return takeErrors();
  json::Object result = report::describeModel(*module);
  result["sha256"] = sourceDigest;
  // The phases that look at single nodes tell why one is not supported.
  for (StringRef name : {"graph", "expand"}) {
    const Phase &phase = phases()[*findPhase(name)];
    if (failed(runPipeline(*module, phase.pipeline(options.pipeline(name)), options.reproducer)))
      break;
  }
  json::Array findings;
  for (const DiagnosticCollector::Finding &finding : diagnostics->takeFindings())
    findings.push_back(json::Object{{"node", json::fixUTF8(finding.place)},
                                    {"reason", json::fixUTF8(finding.message)}});
  result["findings"] = std::move(findings);
  return result;
}

} // namespace longtail
