// Parses an artifact's tables into a Model, checking every id, count and string on the way.
#pragma once
#include "ContainerReader.h"

namespace longtail::runtime {

// One pass over the metadata. On failure `model` may be partly filled and is only good to destroy.
lt_rc readModel(const Source &source, const Memory &memory, Model &model, lt_error *error);

// How far the tables have been handed out to their owners.
struct Cursor {
  uint32_t function = 0, kernel = 0, io = 0, symbol = 0, expr = 0, code = 0, check = 0, slot = 0,
           buffer = 0, step = 0, list = 0, region = 0, call = 0;
};

// Parses the function at the cursor and moves the cursor behind it.
class FunctionReader {
public:
  FunctionReader(ContainerReader &container, Model &model, const Variant &variant, Cursor &cursor)
      : container(container), model(model), variant(variant), cursor(cursor),
        error(container.error) {}

  lt_rc read(Function &function);

private:
  lt_rc takeTables(const lt_func_record &record);
  lt_rc readIo(uint32_t index);
  lt_rc checkIoExprs(uint32_t index);
  lt_rc readExpressions();
  lt_rc readSymbol(uint32_t index);
  lt_rc readCheck(uint32_t index);
  lt_rc readSlot(uint32_t index);
  lt_rc readBuffer(uint32_t index);
  lt_rc readStep(uint32_t index, uint32_t region);
  lt_rc readDispatch(uint32_t index, const lt_step_record &record, uint32_t region);
  lt_rc readBind(uint32_t index, const lt_step_record &record, uint32_t region);
  lt_rc readCall(uint32_t index, const lt_step_record &record, uint32_t region);
  lt_rc readBindings(uint32_t index, const lt_step_record &record, uint32_t region);
  lt_rc readSymbols(const Step &step, uint32_t region);
  lt_rc checkExpr(uint32_t expr, uint32_t region, Where where, const char *owner, uint32_t index);
  lt_rc reserved(uint32_t value, const char *table, uint32_t index);
  void fillRegions();

  ContainerReader &container;
  Model &model;
  const Variant &variant;
  Cursor &cursor;
  lt_error *error;
  Function *function = nullptr;
  Cursor first;           // where this function's records begin
  uint32_t nextBound = 0; // first symbol that later BIND steps may set
};

// Checks that the functions of a variant that call each other fit together and that no chain of
// calls is endless or too long.
lt_rc checkCalls(const Variant &variant, const Memory &memory, lt_error *error);

inline bool endsRegion(const lt_step_record &record) {
  return record.kind == LT_STEP_BIND || (record.flags & LT_STEP_REGION) != 0;
}

} // namespace longtail::runtime
