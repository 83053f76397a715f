// SPDX-License-Identifier: Apache-2.0
#include "inference/store/chat_store.h"

#include <utility>

#include "inference/base/check.h"
#include "inference/base/log.h"

namespace mneme {

Result<std::unique_ptr<ChatStore>> ChatStore::open(const std::string& path) {
  auto library = Library::open(path);
  if (!library) return library.error();
  return std::unique_ptr<ChatStore>(new ChatStore(std::move(*library)));
}

ChatStore::ChatStore(std::unique_ptr<Library> library)
    : library_(std::move(library)), worker_("store") {}

void ChatStore::post(std::function<void(Library&)> command, std::string tag) {
  worker_.post([this, command = std::move(command)] { command(*library_); }, std::move(tag));
}

void ChatStore::run(const std::function<void(Library&)>& command) {
  worker_.run([this, &command] { command(*library_); });
}

void ChatStore::set_on_failure(std::function<void(const Error&)> on_failure) {
  worker_.post([this, on_failure = std::move(on_failure)] { on_failure_ = on_failure; });
}

void ChatStore::report_failure(const Error& error) {
  CHECK(worker_.on_this_thread());
  log_error("inference", "{}", error.message);
  if (on_failure_) on_failure_(error);
}

}  // namespace mneme
