// SPDX-License-Identifier: Apache-2.0
// Messages -> prompt text, by the Jinja template that a GGUF carries. Templates are untrusted:
// time, memory and nesting are bounded, and there is nothing in reach but the messages. Strings
// remember which message they came from, so that the prompt's special tokens are only the
// template's. Immutable after parse: any thread. The language: see jinja_parser.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "inference/files/metadata.h"
#include "inference/run/generate.h"
#include "inference/text/text_piece.h"

namespace mneme {

class ChatTemplate {
 public:
  struct RenderOptions {
    std::string bos_token;  // as the template should write them; often empty
    std::string eos_token;
    bool add_generation_prompt = true;
    std::optional<bool> enable_thinking;  // undefined in the template where empty
    std::optional<std::int64_t> now;      // Unix time for strftime_now; undefined where empty
  };

  // The template of a model. Errors: unsupported (there is none), corrupt, those of parse().
  static Result<ChatTemplate> from_gguf(const Metadata& file);

  // Errors: unsupported, naming the construct and its line.
  static Result<ChatTemplate> parse(std::string source);

  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // The prompt in order, neighbours of one origin joined, none empty. Errors: invalid (the template
  // refuses these messages; its own words), unsupported (it does something we cannot),
  // out_of_memory (it exceeds its bounds).
  Result<std::vector<TextPiece>> render(std::span<const ChatMessage> messages,
                                        const RenderOptions& options) const;

 private:
  struct Impl;
  explicit ChatTemplate(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace mneme
