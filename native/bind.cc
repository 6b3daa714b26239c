#include "bind.h"

#include <new>

namespace lanewise::js {
namespace {

const char* array_name(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array: return "an Int8Array";
    case napi_uint8_array: return "a Uint8Array";
    case napi_uint8_clamped_array: return "a Uint8ClampedArray";
    case napi_int16_array: return "an Int16Array";
    case napi_uint16_array: return "a Uint16Array";
    case napi_int32_array: return "an Int32Array";
    case napi_uint32_array: return "a Uint32Array";
    case napi_float32_array: return "a Float32Array";
    case napi_float64_array: return "a Float64Array";
    case napi_bigint64_array: return "a BigInt64Array";
    case napi_biguint64_array: return "a BigUint64Array";
    default: return "another typed array";  // kOtherArray
  }
}

constexpr const char* kArgument = "ERR_LANEWISE_ARGUMENT";

napi_value error_object(napi_env env, decltype(napi_create_error)* create, const char* code, const char* message) {
  napi_value code_value = nullptr, text = nullptr, object = nullptr;
  require(env, napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &code_value));
  require(env, napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text));
  require(env, create(env, code_value, text, &object));
  return object;
}

napi_value error_object(napi_env env, const Error& error) {
  const napi_value object = error_object(env, napi_create_error, error.code(), error.what());
  for (const auto& [name, value] : error.details()) set(env, object, name, to_value(env, value));
  return object;
}

napi_value object_of_current(napi_env env) {
  try {
    throw;
  } catch (const TypeProblem& problem) {
    return error_object(env, napi_create_type_error, kArgument, problem.message.c_str());
  } catch (const RangeProblem& problem) {
    return error_object(env, napi_create_range_error, kArgument, problem.message.c_str());
  } catch (const Error& error) {
    return error_object(env, error);
  } catch (const std::bad_alloc&) {
    return error_object(env, napi_create_error, "ERR_LANEWISE_MEMORY", "lanewise: out of memory");
  } catch (const std::exception& error) {
    return error_object(env, napi_create_error, "ERR_LANEWISE_INTERNAL", error.what());
  }
}

}  // namespace

std::string describe(napi_env env, napi_value value) {
  bool is_typed_array = false;
  if (napi_is_typedarray(env, value, &is_typed_array) == napi_ok && is_typed_array) {
    napi_typedarray_type type = kOtherArray;
    if (napi_get_typedarray_info(env, value, &type, nullptr, nullptr, nullptr, nullptr) == napi_ok) return array_name(type);
    return "another typed array";
  }
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  switch (type) {
    case napi_null: return "null";
    case napi_boolean: return "a boolean";
    case napi_number: {
      double number = 0;
      napi_get_value_double(env, value, &number);
      return text(number);
    }
    case napi_string: return "a string";
    case napi_symbol: return "a symbol";
    case napi_object: return "an object";
    case napi_function: return "a function";
    case napi_bigint: return "a bigint";
    default: return "undefined";
  }
}

bool is_shared(napi_env env, napi_value buffer) {
  bool is_array_buffer = true;  // N-API calls only the unshared kind so
  require(env, napi_is_arraybuffer(env, buffer, &is_array_buffer));
  return !is_array_buffer;
}

View view_of(const Slot& slot, const char* expected) {
  bool is_typed_array = false;
  require(slot.env, napi_is_typedarray(slot.env, slot.value, &is_typed_array));
  if (!is_typed_array) slot.wrong_type(expected);
  View view{};
  if (napi_get_typedarray_info(slot.env, slot.value, &view.type, &view.length, &view.data, &view.buffer, nullptr) != napi_ok)
    slot.wrong_type(expected);
  bool detached = false;
  if (view.length == 0 && !is_shared(slot.env, view.buffer))
    require(slot.env, napi_is_detached_arraybuffer(slot.env, view.buffer, &detached));
  if (detached) slot.wrong_type(expected, "one whose buffer is detached");
  return view;
}

double number_of(const Slot& slot, const char* expected) {
  double value = 0;
  if (napi_get_value_double(slot.env, slot.value, &value) != napi_ok) slot.wrong_type(expected);
  return value;
}

Numbers From<Numbers>::get(const Slot& slot) {
  static constexpr const char* kExpected = "a Float32Array, Int32Array or Uint8Array";
  const View view = view_of(slot, kExpected);
  DType dtype = DType::f32;
  switch (view.type) {
    case napi_float32_array: dtype = DType::f32; break;
    case napi_int32_array: dtype = DType::i32; break;
    case napi_uint8_array: dtype = DType::u8; break;
    default: slot.wrong_type(kExpected);
  }
  return {view.data, static_cast<int64_t>(view.length), dtype, slot.value, view.buffer};
}

SharedWords From<SharedWords>::get(const Slot& slot) {
  static constexpr const char* kExpected = "an Int32Array on a SharedArrayBuffer";
  const View view = view_of(slot, kExpected);
  if (view.type != napi_int32_array) slot.wrong_type(kExpected);
  if (!is_shared(slot.env, view.buffer)) slot.wrong_type(kExpected, "one on an ArrayBuffer");
  return {static_cast<int32_t*>(view.data), static_cast<int64_t>(view.length), slot.value};
}

napi_value to_value(napi_env env, const std::string& string) {
  napi_value value = nullptr;
  require(env, napi_create_string_utf8(env, string.data(), string.size(), &value));
  return value;
}

napi_value to_value(napi_env env, const std::vector<std::string>& list) {
  napi_value array = nullptr;
  require(env, napi_create_array_with_length(env, list.size(), &array));
  for (size_t i = 0; i < list.size(); ++i) require(env, napi_set_element(env, array, static_cast<uint32_t>(i), to_value(env, list[i])));
  return array;
}

void set(napi_env env, napi_value object, const char* name, napi_value value) {
  require(env, napi_set_named_property(env, object, name, value));
}

napi_value current_error(napi_env env) {
  try {
    return object_of_current(env);
  } catch (const NapiFailure&) {
    return nullptr;
  }
}

void throw_current(napi_env env) {
  if (napi_value error = current_error(env)) napi_throw(env, error);
}

}  // namespace lanewise::js
