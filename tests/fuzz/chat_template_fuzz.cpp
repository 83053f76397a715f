// SPDX-License-Identifier: Apache-2.0
// Any text as a chat template, up to the first zero byte; what follows is the user's message.
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "inference/text/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mneme;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = bytes.find('\0');
  const std::string_view source = bytes.substr(0, zero);
  const std::string_view text = zero == std::string_view::npos ? "hello" : bytes.substr(zero + 1);
  auto chat_template = ChatTemplate::parse(std::string(source));
  if (!chat_template) return 0;
  const std::vector<ChatMessage> messages{{Role::system, "S"},
                                          {Role::user, std::string(text)},
                                          {Role::assistant, "A"},
                                          {Role::user, "B"}};
  ChatTemplate::RenderOptions options;
  options.bos_token = "<s>";
  options.now = 0;
  auto pieces = chat_template->render(messages, options);
  if (!pieces) return 0;
  bool user = false;
  for (std::size_t i = 0; i < pieces->size(); ++i) {
    const TextPiece& piece = (*pieces)[i];
    CHECK(!piece.text.empty());
    CHECK(piece.user == (piece.message >= 0) && piece.message < 4);
    CHECK(i == 0 || user != piece.user || user);  // neighbours of the template's are joined
    CHECK(replace_broken_utf8(piece.text) == piece.text);
    user = piece.user;
  }
  return 0;
}
