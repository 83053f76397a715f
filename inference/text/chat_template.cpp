// SPDX-License-Identifier: Apache-2.0
#include "inference/text/chat_template.h"

#include "base/utf8.h"
#include "inference/text/jinja_interpreter.h"
#include "inference/text/jinja_parser.h"

namespace mneme {
namespace {

// Generous for real templates (some hundred steps a message), a second or two for hostile ones.
constexpr std::uint64_t kSteps = 4'000'000;
constexpr std::uint64_t kStepsPerMessage = 5'000;
constexpr std::uint64_t kBytes = 64u << 20;
constexpr std::uint64_t kBytesPerInputByte = 64;

jinja::Value message_value(const ChatMessage& message, std::int32_t index) {
  static const jinja::Value kRole = jinja::make_text("role");
  static const jinja::Value kContent = jinja::make_text("content");
  return jinja::make_dict(
      {{kRole, jinja::make_text(role_name(message.role))},
       {kContent, jinja::make_text(jinja::Text(replace_broken_utf8(message.text), index))}});
}

std::vector<TextPiece> pieces_of(const jinja::Text& text) {
  std::vector<TextPiece> pieces;
  const auto add = [&](std::size_t begin, std::size_t end, std::int32_t message) {
    if (begin < end)
      pieces.push_back({text.bytes.substr(begin, end - begin), message >= 0, message});
  };
  std::size_t done = 0;
  for (const jinja::Text::Span& span : text.spans) {
    add(done, span.begin, -1);
    add(span.begin, span.end, span.message);
    done = span.end;
  }
  add(done, text.bytes.size(), -1);
  return pieces;
}

}  // namespace

struct ChatTemplate::Impl {
  jinja::NodePtr root;
};

ChatTemplate::ChatTemplate(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::from_gguf(const Metadata& file) {
  auto text = file.find<std::string_view>("tokenizer.chat_template");
  if (!text) return text.error();
  if (!text->has_value()) {
    return Error{ErrorCode::unsupported, file.name() +
                                             " has no chat template: it can continue text, but not "
                                             "chat"};
  }
  return parse(std::string(**text));
}

Result<ChatTemplate> ChatTemplate::parse(std::string source) {
  auto root = jinja::parse(replace_broken_utf8(source));
  if (!root) return root.error();
  auto impl = std::make_unique<Impl>();
  impl->root = std::move(*root);
  return ChatTemplate(std::unique_ptr<const Impl>(std::move(impl)));
}

Result<std::vector<TextPiece>> ChatTemplate::render(std::span<const ChatMessage> messages,
                                                    const RenderOptions& options) const {
  std::uint64_t input = 0;
  std::vector<jinja::Value> values;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    input += messages[i].text.size();
    values.push_back(message_value(messages[i], static_cast<std::int32_t>(i)));
  }
  jinja::Context context(kSteps + kStepsPerMessage * messages.size() + 4 * input,
                         kBytes + kBytesPerInputByte * input);
  context.now = options.now;
  jinja::Interpreter interpreter(*impl_->root, context);
  interpreter.set("messages", jinja::make_list(std::move(values)));
  interpreter.set("bos_token", jinja::make_text(options.bos_token));
  interpreter.set("eos_token", jinja::make_text(options.eos_token));
  interpreter.set("add_generation_prompt", jinja::Value(options.add_generation_prompt));
  if (options.enable_thinking)
    interpreter.set("enable_thinking", jinja::Value(*options.enable_thinking));
  auto text = interpreter.run();
  if (!text) return text.error();
  return pieces_of(*text);
}

}  // namespace mneme
