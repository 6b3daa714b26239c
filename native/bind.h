// The only N-API argument code: a C++ signature becomes checked JavaScript arguments.
//
//   void read_memory(Environment&, Handle<Memory> memory, Size offset, Numbers target);
//   function<read_memory>("readMemory", "memory byteOffset target")
//
// makes a JavaScript function that checks its arguments, names the one that is wrong, and turns C++ exceptions into
// JavaScript ones. An N-API call that fails, as they do while a worker is being terminated, ends it.
#pragma once
#include <node_api.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "environment.h"
#include "kernels/args.h"
#include "runtime/error.h"
#include "runtime/size.h"

namespace lanewise::js {

// An N-API call failed; a JavaScript exception may be pending.
struct NapiFailure {};

inline void require(napi_env, napi_status status) {
  if (status != napi_ok) throw NapiFailure{};
}

// An argument of the wrong kind, and one of the right kind with a value it cannot have.
struct TypeProblem {
  std::string message;
};
struct RangeProblem {
  std::string message;
};

// The JavaScript error for the C++ exception being handled; null if JavaScript has thrown or is being terminated, which needs nothing more.
// Within a catch block, and without an allocation of its own: there may be no memory.
napi_value current_error(napi_env env);
// Throws it.
void throw_current(napi_env env);
// How a value is named in a message.
std::string describe(napi_env env, napi_value value);

// One argument on its way in: where from, and how to complain.
struct Slot {
  napi_env env;
  napi_value value;
  const char* function;
  std::string_view name;

  [[noreturn]] void wrong_type(const std::string& expected) const { wrong_type(expected, describe(env, value)); }
  [[noreturn]] void wrong_type(const std::string& expected, const std::string& got) const { throw TypeProblem{message(expected, got)}; }
  [[noreturn]] void wrong_value(const std::string& expected, const std::string& got) const { throw RangeProblem{message(expected, got)}; }

 private:
  std::string message(const std::string& expected, const std::string& got) const {
    return std::string(function) + ": expected " + expected + " for " + std::string(name) + ", got " + got;
  }
};

// ---- argument kinds ----

template <int64_t kLow, int64_t kHigh>
struct Integer {
  int64_t value;
  operator int64_t() const { return value; }
};
using Size = Integer<0, kMaxSize>;
using Word = Integer<0, UINT32_MAX>;
using Index = Integer<INT32_MIN, INT32_MAX>;

// The elements of a typed array, valid for this call. (A detached one is refused.)
template <class T>
struct Array {
  T* data;
  int64_t length;
};

// A Float32Array, Int32Array or Uint8Array.
struct Numbers {
  void* data;
  int64_t length;
  DType dtype;
  napi_value value, buffer;
  int64_t bytes() const { return length * (dtype == DType::u8 ? 1 : 4); }
};

// An Int32Array on a SharedArrayBuffer: other threads may use it.
struct SharedWords {
  int32_t* data;
  int64_t length;
  napi_value value;
};

struct Callback {
  napi_value value;
};

template <class T>
using Handle = std::shared_ptr<T>;

// Of a typed array that this N-API does not name, such as a Float16Array: none of its kinds.
constexpr auto kOtherArray = static_cast<napi_typedarray_type>(15);

struct View {
  napi_typedarray_type type = kOtherArray;
  size_t length;
  void* data;
  napi_value buffer;
};

View view_of(const Slot& slot, const char* expected);
bool is_shared(napi_env env, napi_value buffer);
double number_of(const Slot& slot, const char* expected);

// ---- handles: plain objects that wrap a shared_ptr and carry a tag of their type ----

// Specialised in exports/handles.h: kTag, kName, and the bytes it keeps alive outside JavaScript's heap.
template <class T>
struct HandleType;

template <class T>
void finalize_handle(napi_env env, void* data, void*) {
  auto* box = static_cast<Handle<T>*>(data);
  int64_t total;
  napi_adjust_external_memory(env, -HandleType<T>::bytes(**box), &total);
  delete box;
}

template <class T>
napi_value make_handle(napi_env env, Handle<T> object) {
  napi_value result = nullptr;
  require(env, napi_create_object(env, &result));
  require(env, napi_type_tag_object(env, result, &HandleType<T>::kTag));
  auto box = std::make_unique<Handle<T>>(std::move(object));
  require(env, napi_wrap(env, result, box.get(), finalize_handle<T>, nullptr, nullptr));
  int64_t total;
  napi_adjust_external_memory(env, HandleType<T>::bytes(**box), &total);
  box.release();
  return result;
}

// ---- from JavaScript ----

template <class T>
struct From;

template <>
struct From<bool> {
  static bool get(const Slot& slot) {
    bool value = false;
    if (napi_get_value_bool(slot.env, slot.value, &value) != napi_ok) slot.wrong_type("a boolean");
    return value;
  }
};

template <int64_t kLow, int64_t kHigh>
struct From<Integer<kLow, kHigh>> {
  static Integer<kLow, kHigh> get(const Slot& slot) {
    const double value = number_of(slot, "an integer");
    if (!(value >= static_cast<double>(kLow) && value <= static_cast<double>(kHigh)) || value != std::floor(value)) {
      slot.wrong_value("an integer from " + text(kLow) + " to " + text(kHigh), text(value));
    }
    return {static_cast<int64_t>(value)};
  }
};

template <class T>
constexpr napi_typedarray_type kArrayType = napi_float32_array;
template <>
inline constexpr napi_typedarray_type kArrayType<double> = napi_float64_array;
template <>
inline constexpr napi_typedarray_type kArrayType<int32_t> = napi_int32_array;

template <class T>
constexpr const char* kArrayName = "a Float32Array";
template <>
inline constexpr const char* kArrayName<double> = "a Float64Array";
template <>
inline constexpr const char* kArrayName<int32_t> = "an Int32Array";

template <class T>
struct From<Array<T>> {
  static Array<T> get(const Slot& slot) {
    const View view = view_of(slot, kArrayName<T>);
    if (view.type != kArrayType<T>) slot.wrong_type(kArrayName<T>);
    return {static_cast<T*>(view.data), static_cast<int64_t>(view.length)};
  }
};

template <>
struct From<Numbers> {
  static Numbers get(const Slot& slot);
};

template <>
struct From<SharedWords> {
  static SharedWords get(const Slot& slot);
};

template <>
struct From<Callback> {
  static Callback get(const Slot& slot) {
    napi_valuetype type = napi_undefined;
    require(slot.env, napi_typeof(slot.env, slot.value, &type));
    if (type != napi_function) slot.wrong_type("a function");
    return {slot.value};
  }
};

template <class T>
struct From<Handle<T>> {
  static Handle<T> get(const Slot& slot) {
    bool tagged = false;
    void* box = nullptr;
    napi_valuetype type = napi_undefined;
    const bool ok = napi_typeof(slot.env, slot.value, &type) == napi_ok && type == napi_object &&
                    napi_check_object_type_tag(slot.env, slot.value, &HandleType<T>::kTag, &tagged) == napi_ok && tagged &&
                    napi_unwrap(slot.env, slot.value, &box) == napi_ok && box;
    if (!ok) slot.wrong_type(HandleType<T>::kName);
    return *static_cast<Handle<T>*>(box);
  }
};

template <class T>
struct From<std::optional<T>> {
  static std::optional<T> get(const Slot& slot) {
    napi_valuetype type = napi_undefined;
    require(slot.env, napi_typeof(slot.env, slot.value, &type));
    if (type == napi_undefined) return std::nullopt;
    return From<T>::get(slot);
  }
};

template <class T>
struct From<std::vector<T>> {
  static std::vector<T> get(const Slot& slot) {
    bool is_array = false;
    uint32_t length = 0;
    require(slot.env, napi_is_array(slot.env, slot.value, &is_array));
    if (!is_array) slot.wrong_type("an array");
    require(slot.env, napi_get_array_length(slot.env, slot.value, &length));
    std::vector<T> items;
    for (uint32_t i = 0; i < length; ++i) {
      napi_value item = nullptr;
      require(slot.env, napi_get_element(slot.env, slot.value, i, &item));
      const std::string name = std::string(slot.name) + "[" + std::to_string(i) + "]";
      items.push_back(From<T>::get({slot.env, item, slot.function, name}));
    }
    return items;
  }
};

// ---- to JavaScript ----

inline napi_value to_value(napi_env env, double number) {
  napi_value value = nullptr;
  require(env, napi_create_double(env, number, &value));
  return value;
}
inline napi_value to_value(napi_env, napi_value value) { return value; }
napi_value to_value(napi_env env, const std::string& string);
napi_value to_value(napi_env env, const std::vector<std::string>& list);
void set(napi_env env, napi_value object, const char* name, napi_value value);

// ---- functions ----

struct Function {
  const char* name;
  const char* parameters;  // their names, separated by spaces
  napi_callback callback;
};

inline std::string_view next_name(std::string_view& names) {
  const size_t end = names.find(' ');
  const std::string_view name = names.substr(0, end);
  names = end == std::string_view::npos ? std::string_view() : names.substr(end + 1);
  return name;
}

template <auto kFunction>
struct Entry;

template <class Result, class... Args, Result (*kFunction)(Environment&, Args...)>
struct Entry<kFunction> {
  static napi_value call(napi_env env, napi_callback_info info) {
    napi_value values[sizeof...(Args) + 1] = {};
    size_t count = sizeof...(Args);
    void* data = nullptr;
    Environment* environment = nullptr;
    // Missing arguments come as undefined.
    if (napi_get_cb_info(env, info, &count, values, nullptr, &data) != napi_ok) return nullptr;
    if (napi_get_instance_data(env, reinterpret_cast<void**>(&environment)) != napi_ok || !environment) return nullptr;
    try {
      return invoke(*environment, *static_cast<const Function*>(data), values, std::index_sequence_for<Args...>());
    } catch (...) {
      throw_current(env);
      return nullptr;
    }
  }

 private:
  template <size_t... kIndex>
  static napi_value invoke(Environment& environment, const Function& function, const napi_value* values, std::index_sequence<kIndex...>) {
    [[maybe_unused]] std::string_view names = function.parameters;
    // Braces: converted from left to right.
    std::tuple<std::decay_t<Args>...> args{
        From<std::decay_t<Args>>::get({environment.env, values[kIndex], function.name, next_name(names)})...};
    if constexpr (std::is_void_v<Result>) {
      kFunction(environment, std::get<kIndex>(args)...);
      return nullptr;
    } else {
      return to_value(environment.env, kFunction(environment, std::get<kIndex>(args)...));
    }
  }
};

template <auto kFunction>
constexpr Function function(const char* name, const char* parameters) {
  return {name, parameters, Entry<kFunction>::call};
}

}  // namespace lanewise::js
