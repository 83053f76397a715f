// SPDX-License-Identifier: Apache-2.0
// Tokenizers as Hugging Face publishes them, made here.
#include "inference/text/hub_tokenizer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "inference/text/byte_alphabet.h"
#include "inference/text/tokenizer.h"
#include "tests/support/tiny_vocabulary.h"

namespace mneme {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<TokenId>;

Json byte_level_step(bool regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", regex}};
}

Json added(TokenId id, std::string_view text, bool special) {
  return {{"id", id}, {"content", text}, {"special", special}};
}

// 256 bytes, "ab", "abc", and two added tokens.
Json byte_level() {
  Json vocab;
  for (int byte = 0; byte < 256; ++byte) {
    vocab[byte_character(static_cast<unsigned char>(byte))] = byte;
  }
  vocab["ab"] = 256;
  vocab["abc"] = 257;
  return {{"added_tokens", {added(258, "<|end|>", true), added(259, "<think>", false)}},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level_step(true)},
          {"decoder", byte_level_step(true)},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"a b", "ab c"}}}}};
}

// As Llama 2's and Gemma's: "<unk>", "<s>", 256 bytes, pieces.
Json pieces(bool space_in_front) {
  Json vocab{{"<unk>", 0}, {"<s>", 1}};
  for (int byte = 0; byte < 256; ++byte) vocab[fmt::format("<0x{:02X}>", byte)] = 2 + byte;
  TokenId next = 258;
  for (const char* piece : {"\u2581", "a", "b", "\u2581a", "ab"}) vocab[piece] = next++;
  const Json replace{{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}};
  Json normalizers = Json::array();
  Json decoders = Json::array({replace, {{"type", "ByteFallback"}}, {{"type", "Fuse"}}});
  if (space_in_front) {
    normalizers.push_back({{"type", "Prepend"}, {"prepend", "\u2581"}});
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  normalizers.push_back(replace);
  const Json front{{"SpecialToken", {{"id", "<s>"}}}};
  const Json text{{"Sequence", {{"id", "A"}}}};
  return {
      {"added_tokens", {added(0, "<unk>", true), added(1, "<s>", true)}},
      {"normalizer", {{"type", "Sequence"}, {"normalizers", normalizers}}},
      {"post_processor", {{"type", "TemplateProcessing"}, {"single", Json::array({front, text})}}},
      {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}},
      {"model",
       {{"type", "BPE"},
        {"byte_fallback", true},
        {"unk_token", "<unk>"},
        {"vocab", vocab},
        {"merges", Json::array({Json::array({"\u2581", "a"}), Json::array({"a", "b"})})}}}};
}

Result<Vocabulary> read(const std::string& tokenizer, const std::string& config = "",
                        const std::string& generation = "", std::size_t vocab_size = 0) {
  return read_hub_tokenizer({"model", tokenizer, config, generation, vocab_size});
}

std::string refusal(const std::string& tokenizer, const std::string& config = "",
                    const std::string& generation = "") {
  auto files = read(tokenizer, config, generation);
  if (!files) return files.error().message;
  const auto made = Tokenizer::create(std::move(*files));
  return made ? "accepted" : made.error().message;
}

std::string refusal_with(Json json, const std::function<void(Json&)>& change) {
  change(json);
  return refusal(json.dump());
}

Tokenizer make(const std::string& tokenizer, const std::string& config = "",
               const std::string& generation = "", std::size_t vocab_size = 0) {
  auto files = read(tokenizer, config, generation, vocab_size);
  EXPECT_TRUE(files) << (files ? "" : files.error().message);
  auto made = Tokenizer::create(std::move(*files));
  EXPECT_TRUE(made) << (made ? "" : made.error().message);
  return std::move(*made);
}

TEST(HubTokenizer, IsWhatAGgufOfTheSameIs) {
  TinyVocabulary gguf;
  gguf.merge("a", "b").merge("ab", "c");
  gguf.add("<|end|>", TokenType::control);
  gguf.add("<think>", TokenType::user_defined);
  const Tokenizer t = make(byte_level().dump());
  EXPECT_EQ(t.sha256(), gguf.tokenizer().sha256());
  EXPECT_EQ(t.pre_tokenizer(), "gpt-2");
  EXPECT_EQ(t.encode("abc ab<|end|>", Specials::parse), (Ids{257, 32, 256, 258}));
  EXPECT_TRUE(t.is_end(258));
  EXPECT_FALSE(t.bos());
  EXPECT_FALSE(t.adds_bos());
  // Merges as pairs are the same.
  Json json = byte_level();
  json["model"]["merges"] = Json::array({Json::array({"a", "b"}), Json::array({"ab", "c"})});
  EXPECT_EQ(make(json.dump()).sha256(), t.sha256());
}

TEST(HubTokenizer, ReadsPiecesAsLlamaAndGemmaHaveThem) {
  const Tokenizer llama = make(pieces(true).dump());
  EXPECT_EQ(llama.encode("ab a\n"), (Ids{261, 260, 261, 2 + '\n'}));
  EXPECT_EQ(llama.decode(llama.encode("ab a\n")), "ab a\n");
  EXPECT_EQ(llama.bos(), TokenId{1});
  EXPECT_TRUE(llama.adds_bos());
  const Tokenizer gemma = make(pieces(false).dump());
  EXPECT_EQ(gemma.encode("ab a"), (Ids{262, 261}));
  EXPECT_EQ(gemma.decode(gemma.encode(" ab")), " ab");

  Json metaspace = pieces(false);
  metaspace["normalizer"] = nullptr;
  metaspace["pre_tokenizer"] = {{"type", "Metaspace"},
                                {"replacement", "\u2581"},
                                {"prepend_scheme", "first"},
                                {"split", false}};
  const Tokenizer first = make(metaspace.dump());
  EXPECT_EQ(first.encode("a<s>a", Specials::parse), (Ids{261, 1, 259}));
}

TEST(HubTokenizer, TakesSettingsFromTheOtherFiles) {
  const std::string tokenizer = byte_level().dump();
  const Tokenizer t = make(
      tokenizer,
      R"({"bos_token": {"content": "<think>"}, "eos_token": "<|end|>", "add_bos_token": true})",
      R"({"eos_token_id": [5, 258], "suppress_tokens": [7]})", 300);
  EXPECT_EQ(t.bos(), TokenId{259});
  EXPECT_EQ(t.eos(), TokenId{258});
  EXPECT_TRUE(t.adds_bos());
  EXPECT_EQ(t.end_tokens(), (Ids{5, 258}));
  EXPECT_EQ(t.suppressed(), Ids{7});
  EXPECT_EQ(t.vocab_size(), 300);
  EXPECT_EQ(t.type(299), TokenType::unused);
  EXPECT_FALSE(make(pieces(true).dump(), R"({"add_bos_token": false})").adds_bos());
}

TEST(HubTokenizer, RefusesWhatIsNotATokenizer) {
  EXPECT_EQ(refusal(""), "model/tokenizer.json: is not JSON from byte 1 on");
  EXPECT_EQ(refusal("[]"), "model/tokenizer.json: is not a JSON object");
  EXPECT_EQ(refusal("3"), "model/tokenizer.json: is not a JSON object");
  EXPECT_EQ(refusal("{}"), "model/tokenizer.json: has no model");
  EXPECT_EQ(refusal(R"({"model": {}, "model": {}})"), "model/tokenizer.json: says 'model' twice");
  EXPECT_EQ(refusal(R"({"model": {"vocab": {}, "vocab": {}}})"),
            "model/tokenizer.json: says 'vocab' twice");
  EXPECT_EQ(refusal(byte_level().dump().substr(0, 1000)).substr(0, 33),
            "model/tokenizer.json: is not JSON");
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += open;
    EXPECT_EQ(refusal("{\"x\":" + deep),
              "model/tokenizer.json: lies more than 32 objects and arrays deep");
    EXPECT_EQ(refusal("{\"model\":{\"merges\":{\"x\":" + deep),
              "model/tokenizer.json: lies more than 32 objects and arrays deep");
    EXPECT_EQ(refusal(byte_level().dump(), "{\"x\":" + deep),
              "model/tokenizer_config.json: is deeper or longer than settings are");
  }
  EXPECT_EQ(refusal(byte_level().dump(), "[]"),
            "model/tokenizer_config.json: is not a JSON object");
}

TEST(HubTokenizer, RefusesTokensThatContradictEachOther) {
  const auto vocab = [](const char* token, const Json& id) {
    return refusal_with(byte_level(), [&](Json& json) { json["model"]["vocab"][token] = id; });
  };
  const std::string file = "model/tokenizer.json: ";
  EXPECT_EQ(vocab("x!", -1), file + "the id of the token 'x!' is not between 0 and 16777215");
  EXPECT_EQ(vocab("x!", 1ull << 63),
            file + "the id of the token 'x!' is not between 0 and 16777215");
  EXPECT_EQ(vocab("x!", 1.5), file + "the token 'x!' has no number as its id");
  EXPECT_EQ(vocab("x!", Json::array()), file + "the token 'x!' has no number as its id");
  EXPECT_EQ(vocab("x!", 257), file + "the tokens 'abc' and 'x!' both have the id 257");
  EXPECT_EQ(vocab("x!", 258), file + "the tokens 'x!' and '<|end|>' both have the id 258");
  EXPECT_EQ(vocab("x!", 300), file + "no token has the id 260, but one has 300");
  EXPECT_EQ(vocab("x!", 16777215), file + "no token has the id 260, but one has 16777215");
  EXPECT_EQ(vocab("<think>", 260), file + "the token '<think>' has two ids, 259 and 260");
  EXPECT_EQ(vocab("x!", 260), "accepted");
  std::string twice = byte_level().dump();
  twice.replace(twice.find("\"ab\":256"), 8, "\"ab\":256,\"ab\":260");
  EXPECT_EQ(refusal(twice), file + "the token 'ab' has two ids, 256 and 260");

  const auto added_tokens = [](const Json& token) {
    return refusal_with(byte_level(), [&](Json& json) { json["added_tokens"].push_back(token); });
  };
  EXPECT_EQ(added_tokens(added(260, "", true)),
            file + "the added token '' has no text, or no id between 0 and 16777215");
  EXPECT_EQ(added_tokens({{"content", "x"}}),
            file + "the added token 'x' has no text, or no id between 0 and 16777215");
  EXPECT_EQ(added_tokens({{"content", "x!"}, {"id", 260}, {"single_word", true}}),
            file + "the added token 'x!' is one of whole words, which is not supported");
  EXPECT_NE(added_tokens(added(260, std::string(300, '<'), true)).find("256 are allowed"),
            std::string::npos);

  const auto merges = [](const Json& merge) {
    return refusal_with(byte_level(),
                        [&](Json& json) { json["model"]["merges"].push_back(merge); });
  };
  EXPECT_EQ(merges("ab"), file + "merge 2 is not two parts");
  EXPECT_EQ(merges(Json::array({"a"})), file + "merge 2 is not two parts");
  EXPECT_EQ(merges(Json::array({"a", "b", "c"})), file + "merge 2 is not two parts");
  EXPECT_EQ(merges(Json::array({"a", 3})), file + "merge 2 is not two parts");
  EXPECT_EQ(merges(3), file + "merge 2 is not two parts");
  // Cycles: what it makes would be what it is made of.
  EXPECT_EQ(merges(Json::array({"", "a"})), file + "merge 2 has an empty part");
  EXPECT_EQ(merges("a "), file + "merge 2 has an empty part");
  EXPECT_EQ(merges("b a"), file + "merge 2 names a token that is not in the vocabulary");
}

TEST(HubTokenizer, RefusesStepsThatAreNotComputed) {
  const std::string file = "model/tokenizer.json: ";
  const auto with = [](const char* key, const Json& value) {
    return refusal_with(byte_level(), [&](Json& json) { json[key] = value; });
  };
  EXPECT_EQ(with("normalizer", {{"type", "Lowercase"}}),
            file + "the normalizer \"Lowercase\" is not supported as it is set here");
  EXPECT_EQ(with("normalizer", {{"type", "NFC"}}), "accepted");
  EXPECT_EQ(with("pre_tokenizer", {{"type", "Whitespace"}}),
            file + "the pre-tokenizer \"Whitespace\" is not supported as it is set here");
  EXPECT_EQ(with("pre_tokenizer", nullptr),
            file +
                "its tokens are neither those of byte-level BPE nor those of SentencePiece, which "
                "are supported");
  const Json split{{"type", "Split"}, {"pattern", {{"Regex", "x+"}}}, {"behavior", "Isolated"}};
  EXPECT_EQ(
      with("pre_tokenizer",
           {{"type", "Sequence"}, {"pretokenizers", Json::array({split, byte_level_step(false)})}}),
      file + "the pre-tokenizer \"x+\" is not supported");
  EXPECT_EQ(with("decoder", {{"type", "WordPiece"}}),
            file + "the decoder \"WordPiece\" is not supported as it is set here");
  EXPECT_EQ(with("post_processor", {{"type", "BertProcessing"}}),
            file + "the post-processor \"BertProcessing\" is not supported");
  const Json special{{"SpecialToken", {{"id", "<|end|>"}}}};
  const Json text{{"Sequence", {{"id", "A"}}}};
  EXPECT_EQ(with("post_processor",
                 {{"type", "TemplateProcessing"}, {"single", Json::array({text, special})}}),
            file + "it puts more around a text than one token in front, which is not supported");
  const auto model = [](const char* key, const Json& value) {
    return refusal_with(byte_level(), [&](Json& json) { json["model"][key] = value; });
  };
  EXPECT_EQ(model("type", "Unigram"),
            file + "the tokenizer \"Unigram\" is not supported; only BPE is");
  EXPECT_EQ(model("dropout", 0.5), file + "the setting \"dropout\" is not supported");
  EXPECT_EQ(model("end_of_word_suffix", "</w>"),
            file + "the setting \"end_of_word_suffix\" is not supported");
  EXPECT_EQ(model("unk_token", "<unk>"), file + "names '<unk>', which is no token");
  // Unigram's list of pieces is not looked at.
  Json unigram = byte_level();
  unigram["model"] = {{"type", "Unigram"}, {"vocab", Json::array({Json::array({"a", -1.5})})}};
  EXPECT_EQ(refusal(unigram.dump()),
            file + "the tokenizer \"Unigram\" is not supported; only BPE is");

  const std::string tokenizer = byte_level().dump();
  EXPECT_EQ(refusal(tokenizer, R"({"bos_token": "<s>"})"),
            "model/tokenizer_config.json: names '<s>', which is no token");
  EXPECT_EQ(refusal(tokenizer, R"({"add_eos_token": true})"),
            "model/tokenizer_config.json: add_eos_token is not supported");
  EXPECT_EQ(refusal(tokenizer, "", R"({"eos_token_id": 260})"),
            "model/generation_config.json: eos_token_id names a token that there is not");
  EXPECT_EQ(refusal(tokenizer, "", R"({"suppress_tokens": ["a"]})"),
            "model/generation_config.json: suppress_tokens names a token that there is not");
}

}  // namespace
}  // namespace mneme
