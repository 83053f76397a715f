// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value, or an Error whose message was written for a person at the place where it
// happened. Used for everything the world can do to us (files, devices, SQL, bad models);
// programmer errors use CHECK. Same member names as std::expected, which GCC 12 lacks in C++20.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace mneme {

enum class ErrorCode : std::uint8_t {
  io,             // the system refused or failed a read, write or open
  corrupt,        // a file breaks its own format
  unsupported,    // well-formed, but nothing we can run
  invalid,        // the user asked for something that makes no sense
  out_of_memory,  // would not fit
  device,         // a compute device failed
  cancelled,      // the user stopped it
};

struct Error {
  ErrorCode code = ErrorCode::invalid;
  std::string message;  // one sentence for a person: what, where, what to do

  // The same error, told with where the caller was: "opening the pack: <message>".
  Error with(std::string_view prefix) const {
    std::string told(prefix);
    told.append(": ").append(message);
    return Error{code, std::move(told)};
  }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    CHECK(has_value());
    return std::get<0>(state_);
  }
  const T& value() const& {
    CHECK(has_value());
    return std::get<0>(state_);
  }
  T&& value() && {
    CHECK(has_value());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    CHECK(!has_value());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  const Error& error() const {
    CHECK(error_.has_value());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace mneme

// Returns the error of `expression` (a Status or Result) from the enclosing function, if any.
#define RETURN_IF_ERROR(expression)                          \
  do {                                                       \
    if (auto status_ = (expression); !status_.has_value()) { \
      return status_.error();                                \
    }                                                        \
  } while (false)
