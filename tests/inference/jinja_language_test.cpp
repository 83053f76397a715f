// SPDX-License-Identifier: Apache-2.0
// The language of chat templates, construct by construct, against what Jinja itself renders.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "inference/text/chat_template.h"
#include "tests/support/test_paths.h"

namespace mneme {
namespace {

TEST(JinjaLanguage, IsJinjas) {
  std::ifstream in(test_data("jinja_language.json"));
  const nlohmann::json data = nlohmann::json::parse(in);
  std::vector<ChatMessage> messages;
  for (const auto& m : data["messages"])
    messages.push_back({m["role"] == "system" ? Role::system : Role::user, m["content"]});
  ChatTemplate::RenderOptions options;
  options.bos_token = "<s>";
  options.eos_token = "</s>";
  for (const auto& c : data["cases"]) {
    const std::string source = c["template"];
    auto chat_template = ChatTemplate::parse(source);
    auto pieces = chat_template ? chat_template->render(messages, options)
                                : Result<std::vector<TextPiece>>(chat_template.error());
    if (c.contains("error")) {
      EXPECT_FALSE(pieces.has_value()) << source << "\nJinja refuses: " << c["error"];
    } else if (pieces) {
      std::string text;
      for (const TextPiece& piece : *pieces) text += piece.text;
      EXPECT_EQ(text, c["text"].get<std::string>()) << source;
    } else {
      ADD_FAILURE() << source << "\n" << pieces.error().message;
    }
  }
  EXPECT_GT(data["cases"].size(), 250u);
}

}  // namespace
}  // namespace mneme
