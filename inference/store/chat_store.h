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

  // Runs `command` on the store thread, in order. Any thread. A waiting command of the same tag
  // (not empty) is replaced, in its place. Waits only when 256 commands wait already.
  void post(std::function<void(Library&)> command, std::string tag = {});
  // Runs `command` there and waits. Not from the store thread; never from the UI thread.
  void run(const std::function<void(Library&)>& command);

  // Who hears of writes that nobody waits for and that failed (a full disk); called on the store
  // thread. Set it before the first answer starts.
  void set_on_failure(std::function<void(const Error&)> on_failure);
  // Logs `error` and tells the listener. Store thread.
  void report_failure(const Error& error);

 private:
  explicit ChatStore(std::unique_ptr<Library> library);
  std::unique_ptr<Library> library_;
  std::function<void(const Error&)> on_failure_;  // store thread
  Worker worker_;                                 // last: ends before the library does
};

}  // namespace mneme
