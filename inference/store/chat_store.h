// SPDX-License-Identifier: Apache-2.0
// The store thread: a Library and the Worker that alone touches it. Anyone may post.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/worker.h"
#include "inference/store/library.h"

namespace mneme {

// A write that must not get lost: what is said of it where it fails, and what it would put on disk.
struct KeptWrite {
  std::string tag;
  std::string what;  // for a person: "the answer", "a draft"
  std::string text;  // what they would miss; "" = nothing to read
  std::function<Status(Library&)> write;
};

class ChatStore {
 public:
  static Result<std::unique_ptr<ChatStore>> open(const std::string& path);

  // Runs `command` on the store thread, in order. Any thread. A waiting command of the same tag
  // (not empty) is replaced, in its place. Waits only when 256 commands wait already.
  void post(std::function<void(Library&)> command, std::string tag = {});
  // The same not before `due`; never waits.
  void post_at(std::chrono::steady_clock::time_point due, std::function<void(Library&)> command);
  // Runs `command` there and waits. Not from the store thread; never from the UI thread.
  void run(const std::function<void(Library&)>& command);
  // Finishes what waits. False: the disk did not answer within `at_most`, and may be asked again.
  // After true nothing runs any more; then this may be destroyed without a wait.
  bool end(std::chrono::milliseconds at_most) { return worker_.end(at_most); }

  // Runs it on the store thread. While the disk refuses it (full, failing, read-only), it is kept
  // and tried again before every later command, in order; one of the same tag takes its place, so
  // it must cover what that one did. Refused for another reason, such as a chat that is gone, it is
  // told and dropped. Any thread.
  void write(KeptWrite write);
  void write_now(KeptWrite write);             // the same on the store thread, at once
  void retry();                                // tries what is kept; any thread
  const std::vector<KeptWrite>& kept() const;  // not on disk yet; store thread

  // `on_failure` is called when a write failed that no caller waits for (`kept`: it is tried
  // again), `on_saved` when all kept writes succeeded; both on the store thread. Set it before the
  // first answer starts.
  using OnFailure = std::function<void(const Error&, bool kept)>;
  void set_listener(OnFailure on_failure, std::function<void()> on_saved);
  // Logs `error` and tells the listener. Store thread.
  void report_failure(const Error& error, bool kept = false);

 private:
  explicit ChatStore(std::unique_ptr<Library> library);
  void save_kept();

  std::unique_ptr<Library> library_;
  // All on the store thread.
  OnFailure on_failure_;
  std::function<void()> on_saved_;
  std::vector<KeptWrite> kept_;
  bool failing_ = false;  // told; not again until all is saved
  Worker worker_;         // last: ends before the library does
};

}  // namespace mneme
