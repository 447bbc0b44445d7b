// Filling lt_error. `Where` numbers are stable: they are never reused or renumbered.
#pragma once
#include "longtail/runtime.h"

namespace longtail::runtime {

enum class Where : uint32_t {
  // 1xx: arguments of API calls
  NullArgument = 100,
  StructSize = 101,
  StructTail = 102,
  UnknownFlags = 103,
  FunctionOrdinal = 104,
  Slot = 105,
  Index = 106,
  Threads = 107,
  InputCount = 108,
  OutputCount = 109,
  FunctionName = 110,
  VariantName = 111,
  TableNumber = 112,
  CodePartAlignment = 113,
  PartsVariants = 114,
  // 15x: tensors
  TensorDType = 150,
  TensorRank = 151,
  TensorDim = 152,
  TensorBytes = 153,
  TensorAlignment = 154,
  TensorNull = 155,
  TensorOverlap = 156,
  // 2xx: container
  FileTooShort = 200,
  Magic = 201,
  Major = 202,
  SectionCount = 203,
  TotalSize = 204,
  MetadataSize = 205,
  MetadataCrc = 206,
  HeaderReserved = 207,
  SectionOrder = 210,
  SectionSize = 211,
  SectionAlignment = 212,
  SectionRecords = 213,
  SectionDuplicate = 214,
  SectionUnknown = 215,
  SectionPadding = 216,
  SectionEnd = 217,
  SectionReserved = 218,
  SectionPlace = 219,
  StringBlob = 220,
  StringOffset = 221,
  StringLength = 222,
  // 3xx: tables
  RecordReserved = 300,
  TableMissing = 301,
  TableTotals = 302,
  TableLimit = 303,
  VariantArch = 310,
  VariantCode = 311,
  KernelEntry = 312,
  WeightRange = 313,
  // 4xx: functions
  IoType = 400,
  IoRank = 401,
  IoDim = 402,
  IoExpression = 403,
  IoRegion = 404,
  ExprLength = 410,
  ExprOpcode = 411,
  ExprOperand = 412,
  ExprStack = 413,
  SymbolKind = 420,
  SymbolRegion = 421,
  SymbolSource = 422,
  SymbolRange = 423,
  CheckRecord = 430,
  SlotRecord = 431,
  BufferKind = 432,
  BufferIndex = 433,
  BufferRegion = 434,
  BufferSize = 435,
  BufferType = 436,
  StepKind = 440,
  StepTarget = 441,
  StepExpression = 442,
  StepBinding = 443,
  StepParam = 444,
  StepSymbols = 445,
  StepCall = 446,
  CallDepth = 447,
  // 5xx: opening
  NoVariant = 500,
  CodeCrc = 501,
  WeightCrc = 502,
  NotRegularFile = 510,
  ReadFailed = 511,
  MapFailed = 512,
  // 6xx: shapes
  EvalOverflow = 600,
  EvalDivide = 601,
  SymbolValue = 602,
  CheckFailed = 603,
  OutputDim = 604,
  BufferBytes = 605,
  BufferTooLarge = 606,
  ArenaTooLarge = 607,
  TileCount = 608,
  ScratchBytes = 609,
  BoundElement = 610,
  OutputRoom = 611,
  ArgumentBytes = 612,
  SliceSizes = 613,
  TripCount = 614,
  ResultBytes = 615,
  SizeOfData = 616,
  // 7xx: running
  Busy = 700,
  InputNotBound = 701,
  NotRun = 702,
  NotTraced = 703,
  Cancelled = 704,
  KernelFailed = 705,
  NotLoaded = 706,
  // 8xx
  OutOfMemory = 800,
};

// Fills `error` unless it is null or too small, and returns `code`. Control characters in the
// message become '?', because names come from foreign files.
__attribute__((format(printf, 5, 6))) lt_rc fail(lt_error *error, lt_rc code, Where where,
                                                 uint64_t detail, const char *format, ...);

inline lt_rc outOfMemory(lt_error *error, uint64_t bytes, const char *what) {
  return fail(error, LT_ERR_MEMORY, Where::OutOfMemory, bytes, "out of memory: %llu bytes for %s",
              static_cast<unsigned long long>(bytes), what);
}

} // namespace longtail::runtime
