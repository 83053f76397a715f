// SPDX-License-Identifier: Apache-2.0
// A disk without room: between begin() and end() no file of this process grows or changes, by its
// limit of a file's size. SQLite tells it as an I/O error with EFBIG. Reading goes on.
#pragma once

#include <sys/resource.h>

#include <csignal>

#include "base/check.h"

namespace mneme {

class RefusedWrites {
 public:
  RefusedWrites() = default;
  ~RefusedWrites() { end(); }
  RefusedWrites(const RefusedWrites&) = delete;
  RefusedWrites& operator=(const RefusedWrites&) = delete;

  void begin() {
    CHECK(!active_);
    before_ = std::signal(SIGXFSZ, SIG_IGN);
    CHECK(::getrlimit(RLIMIT_FSIZE, &limit_) == 0);
    rlimit none = limit_;
    none.rlim_cur = 0;
    CHECK(::setrlimit(RLIMIT_FSIZE, &none) == 0);
    active_ = true;
  }
  void end() {
    if (!active_) return;
    CHECK(::setrlimit(RLIMIT_FSIZE, &limit_) == 0);
    std::signal(SIGXFSZ, before_);
    active_ = false;
  }

 private:
  rlimit limit_{};
  void (*before_)(int) = SIG_DFL;
  bool active_ = false;
};

}  // namespace mneme
