// SPDX-License-Identifier: Apache-2.0
#include "inference/store/chat_store.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/exceptions.h"
#include "base/log.h"

namespace mneme {

Result<std::unique_ptr<ChatStore>> ChatStore::open(const std::string& path) {
  auto library = Library::open(path);
  if (!library) return library.error();
  return std::unique_ptr<ChatStore>(new ChatStore(std::move(*library)));
}

ChatStore::ChatStore(std::unique_ptr<Library> library)
    : library_(std::move(library)), worker_("store") {}

void ChatStore::post(std::function<void(Library&)> command, std::string tag) {
  worker_.post(
      [this, command = std::move(command)] {
        save_kept();
        command(*library_);
      },
      std::move(tag));
}

void ChatStore::post_at(std::chrono::steady_clock::time_point due,
                        std::function<void(Library&)> command) {
  worker_.post_at(due, [this, command = std::move(command)] { command(*library_); });
}

void ChatStore::run(const std::function<void(Library&)>& command) {
  worker_.run([this, &command] {
    save_kept();
    command(*library_);
  });
}

void ChatStore::write(KeptWrite write) {
  std::string tag = write.tag;
  worker_.post([this, write = std::move(write)] { write_now(write); }, std::move(tag));
}

void ChatStore::write_now(KeptWrite write) {
  CHECK(worker_.on_this_thread());
  const auto same = std::find_if(kept_.begin(), kept_.end(),
                                 [&](const KeptWrite& kept) { return kept.tag == write.tag; });
  if (same != kept_.end()) {
    *same = std::move(write);
  } else {
    kept_.push_back(std::move(write));
  }
  save_kept();
}

void ChatStore::retry() {
  post([](Library&) {}, "retry");
}

const std::vector<KeptWrite>& ChatStore::kept() const {
  CHECK(worker_.on_this_thread());
  return kept_;
}

void ChatStore::save_kept() {
  while (!kept_.empty()) {
    const Status done = without_exceptions([&] { return kept_.front().write(*library_); });
    if (!done) {
      const ErrorCode code = done.error().code;
      const bool of_the_disk =
          code == ErrorCode::io || code == ErrorCode::corrupt || code == ErrorCode::out_of_memory;
      if (!of_the_disk || !failing_) report_failure(done.error(), of_the_disk);
      failing_ = failing_ || of_the_disk;
      if (of_the_disk) return;
    }
    kept_.erase(kept_.begin());
  }
  if (failing_ && on_saved_) on_saved_();
  failing_ = false;
}

void ChatStore::set_listener(OnFailure on_failure, std::function<void()> on_saved) {
  worker_.post([this, on_failure = std::move(on_failure), on_saved = std::move(on_saved)] {
    on_failure_ = on_failure;
    on_saved_ = on_saved;
  });
}

void ChatStore::report_failure(const Error& error, bool kept) {
  CHECK(worker_.on_this_thread());
  log_error("inference", "{}", error.message);
  if (on_failure_) on_failure_(error, kept);
}

}  // namespace mneme
