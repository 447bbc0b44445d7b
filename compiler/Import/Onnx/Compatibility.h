// Fields that the schema of ONNX 1.12, Debian's, does not have yet: there they are never set.
#pragma once
#include "onnx-ml.pb.h"

namespace longtail::onnx {

template <typename Message>
auto getOverload(const Message &message, int) -> decltype(message.overload()) {
  return message.overload();
}
template <typename Message> std::string getOverload(const Message &, long) { return {}; }

template <typename Function>
auto getDefaults(const Function &function, int) -> decltype(function.attribute_proto()) {
  return function.attribute_proto();
}
template <typename Function>
google::protobuf::RepeatedPtrField<::onnx::AttributeProto> getDefaults(const Function &, long) {
  return {};
}

template <typename Function>
auto getValueInfo(const Function &function, int) -> decltype(function.value_info()) {
  return function.value_info();
}
template <typename Function>
google::protobuf::RepeatedPtrField<::onnx::ValueInfoProto> getValueInfo(const Function &, long) {
  return {};
}

} // namespace longtail::onnx
