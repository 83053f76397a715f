// SPDX-License-Identifier: Apache-2.0
// The store thread: a Library and the Worker that alone touches it. Anyone may post.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "inference/base/result.h"
#include "inference/base/worker.h"
#include "inference/store/library.h"

namespace mneme {

class ChatStore {
 public:
  static Result<std::unique_ptr<ChatStore>> open(const std::string& path);

  // Runs `command` on the store thread, in order. Any thread.
  void post(std::function<void(Library&)> command);
  // Runs `command` there and waits. Not from the store thread; never from the UI thread.
  void run(const std::function<void(Library&)>& command);

 private:
  explicit ChatStore(std::unique_ptr<Library> library);
  std::unique_ptr<Library> library_;
  Worker worker_;  // last: ends before the library does
};

}  // namespace mneme
