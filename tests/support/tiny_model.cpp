// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tiny_model.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <span>

#include "base/check.h"
#include "inference/files/gguf.h"
#include "inference/model/synth_model.h"
#include "inference/tables/memory_pack_writer.h"
#include "tests/support/tiny_vocabulary.h"

namespace mneme {
namespace {

constexpr const char* kTemplate =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] "
    "+ "
    "'<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ "
    "'<|im_start|>assistant\\n' }}"
    "{% endif %}";

std::string tiny_vocabulary() {
  TinyVocabulary vocabulary;
  const std::string space = "\u0120";
  vocabulary.merge("t", "h").merge("th", "e").merge(space, "the").merge("a", "n").merge("an", "d");
  const TokenId start = vocabulary.add("<|im_start|>", TokenType::control);
  const TokenId end = vocabulary.add("<|im_end|>", TokenType::control);
  vocabulary.set("tokenizer.ggml.bos_token_id", static_cast<std::uint32_t>(start));
  vocabulary.set("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(end));
  vocabulary.set("tokenizer.ggml.padding_token_id", static_cast<std::uint32_t>(end));
  vocabulary.set_text("tokenizer.chat_template", kTemplate);
  return vocabulary.gguf();
}

void must(const Status& status) {
  if (!status.has_value()) ADD_FAILURE() << status.error().message;
  CHECK(status.has_value());
}

}  // namespace

std::string write_tiny_model(const std::string& folder, const TinyModelOptions& options) {
  const std::string vocabulary = tiny_vocabulary();
  const auto source = GgufFile::parse(std::as_bytes(std::span(vocabulary)), "tiny vocabulary");
  CHECK(source.has_value());
  SynthModelOptions synth;
  const auto tokens = source->metadata().require_array<std::string_view>("tokenizer.ggml.tokens");
  CHECK(tokens.has_value());
  const bool whole_blocks = is_k_quant(options.type);  // of 256
  synth.shape.n_layers = options.layers;
  synth.shape.dim = whole_blocks ? 256 : 64;
  synth.shape.hidden_dim = whole_blocks ? 512 : 96;
  synth.shape.n_heads = 4;
  synth.shape.n_kv_heads = 2;
  synth.shape.vocab_size = static_cast<std::int64_t>(tokens->size());
  synth.shape.context_length = options.context;
  synth.shape.family = options.family;
  synth.shape.experts = options.experts;
  synth.shape.experts_used = 2;
  synth.type = options.type;
  const std::string path = folder + "/tiny.gguf";
  std::filesystem::remove(path);  // an engine of the test may still read the last one
  must(write_synth_model(*source, path, synth));
  if (options.memory) {
    UntrainedPackOptions pack;
    pack.seed = 7;
    pack.layer_ids = {0, 1};
    pack.stream_rms = {0.02f, 0.05f};
    pack.write_share = 0.2f;  // enough for tests to see that it does something
    pack.file_bytes_max = whole_blocks ? 2'000'000 : 600'000;
    std::filesystem::remove(folder + "/tiny.engram.gguf");
    must(write_untrained_pack(path, folder + "/tiny.engram.gguf", pack));
  }
  return path;
}

}  // namespace mneme
