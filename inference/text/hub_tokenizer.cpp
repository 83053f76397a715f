// SPDX-License-Identifier: Apache-2.0
#include "inference/text/hub_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "inference/files/file_error.h"
#include "inference/text/byte_alphabet.h"
#include "inference/text/hub_steps.h"
#include "inference/text/token_table.h"
#include "inference/text/tokenizer_json.h"

namespace mneme {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxSettingsBytes = std::size_t{16} << 20;

// One of the two small files; an empty object where there is none.
Result<Json> read_settings(std::string_view text, const std::string& source) {
  if (text.empty()) return Json::object();
  if (text.size() > kMaxSettingsBytes) {
    return corrupt(source,
                   fmt::format("has {} bytes; {} are allowed", text.size(), kMaxSettingsBytes));
  }
  std::size_t values = 0;
  bool fits = true;
  const auto bounded = [&](int depth, Json::parse_event_t /*event*/, Json& /*value*/) {
    fits = fits && depth <= 32 && ++values <= 1'000'000;
    return fits;
  };
  Json json = Json::parse(text, bounded, false);
  if (!fits) return corrupt(source, "is deeper or longer than settings are");
  if (!json.is_object()) return corrupt(source, "is not a JSON object");
  return json;
}

struct AddedToken {
  std::string text;
  TokenId id = 0;
  bool special = false;
  bool strips_left = false;
  bool strips_right = false;
};

class Builder {
 public:
  explicit Builder(const HubTokenizerFiles& files) : files_(files) {
    vocab_.source = files.folder + "/tokenizer.json";
  }

  Result<Vocabulary> build() {
    auto json = read_tokenizer_json(files_.tokenizer, vocab_.source);
    if (!json) return json.error();
    json_ = std::move(*json);
    RETURN_IF_ERROR(read_model());
    RETURN_IF_ERROR(read_hub_steps(json_.rest, vocab_));
    RETURN_IF_ERROR(read_added_tokens());
    RETURN_IF_ERROR(read_tokens());
    vocab_.left = std::move(json_.left);
    vocab_.right = std::move(json_.right);
    const TokenTable table(vocab_.texts);
    RETURN_IF_ERROR(check_twice(table));
    RETURN_IF_ERROR(read_config(table));
    RETURN_IF_ERROR(read_generation());
    return std::move(vocab_);
  }

 private:
  Error unsupported(std::string_view what) const {
    return Error{ErrorCode::unsupported, fmt::format("{}: {}", vocab_.source, what)};
  }

  Status read_model() {
    const Json* model = json_field(json_.rest, "model");
    if (model == nullptr || !model->is_object()) return corrupt(vocab_.source, "has no model");
    const std::string type = json_text(json_field(*model, "type"));
    if (!type.empty() && type != "BPE") {
      return unsupported(
          fmt::format("the tokenizer \"{}\" is not supported; only BPE is", printable(type)));
    }
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix", "dropout"}) {
      const Json* value = json_field(*model, key);
      if (value != nullptr && *value != "" && *value != 0.0) {
        return unsupported(fmt::format("the setting \"{}\" is not supported", key));
      }
    }
    vocab_.ignore_merges = json_flag(*model, "ignore_merges", false);
    byte_fallback_ = json_flag(*model, "byte_fallback", false);
    unknown_ = json_text(json_field(*model, "unk_token"));
    return {};
  }

  Status read_added_tokens() {
    const Json* list = json_field(json_.rest, "added_tokens");
    if (list == nullptr) return {};
    if (!list->is_array()) return corrupt(vocab_.source, "added_tokens is not a list");
    for (const Json& entry : *list) {
      const Json* id = json_field(entry, "id");
      AddedToken token{json_text(json_field(entry, "content")), 0,
                       json_flag(entry, "special", false), json_flag(entry, "lstrip", false),
                       json_flag(entry, "rstrip", false)};
      if (token.text.empty() || id == nullptr || !id->is_number_unsigned() ||
          id->get<std::uint64_t>() >= Vocabulary::kMaxTokens) {
        return corrupt(vocab_.source,
                       fmt::format("the added token '{}' has no text, or no id between 0 and {}",
                                   printable(token.text), Vocabulary::kMaxTokens - 1));
      }
      if (json_flag(entry, "single_word", false)) {
        return unsupported(
            fmt::format("the added token '{}' is one of whole words, which is not "
                        "supported",
                        printable(token.text)));
      }
      token.id = id->get<TokenId>();
      added_.push_back(std::move(token));
    }
    return {};
  }

  // Places for ids: each is given once, and none is missing.
  Status read_tokens() {
    const auto none = static_cast<std::size_t>(-1);
    TokenId highest = -1;
    for (const TokenId id : json_.ids) highest = std::max(highest, id);
    for (const AddedToken& token : added_) highest = std::max(highest, token.id);
    const auto size = static_cast<std::size_t>(highest + 1);
    const std::size_t named = json_.ids.size() + added_.size();
    if (size == 0) return corrupt(vocab_.source, "has no tokens");
    std::vector<std::size_t> places(std::min(size, named), none);
    // Beyond what could be without a hole, nothing is placed: the hole is found below.
    const auto place = [&places](TokenId id) {
      return static_cast<std::size_t>(id) < places.size() ? &places[static_cast<std::size_t>(id)]
                                                          : nullptr;
    };
    for (std::size_t i = 0; i < json_.ids.size(); ++i) {
      std::size_t* at = place(json_.ids[i]);
      if (at == nullptr) continue;
      if (*at != none) return two_of_one_id(json_.ids[i], json_.tokens[*at], json_.tokens[i]);
      *at = i;
    }
    for (std::size_t i = 0; i < added_.size(); ++i) {
      std::size_t* at = place(added_[i].id);
      if (at == nullptr) continue;
      const std::string_view before = *at == none ? added_[i].text : text_at(*at);
      if (before != added_[i].text) return two_of_one_id(added_[i].id, before, added_[i].text);
      if (*at == none) *at = json_.ids.size() + i;
    }
    const auto hole = std::ranges::find(places, none);
    if (hole != places.end() || places.size() < size) {
      return corrupt(vocab_.source, fmt::format("no token has the id {}, but one has {}",
                                                hole - places.begin(), highest));
    }
    for (const std::size_t at : places) {
      vocab_.texts.add(text_at(at));
      const bool byte = byte_fallback_ && vocab_.symbols == Vocabulary::Symbols::characters &&
                        byte_of_name(text_at(at));
      vocab_.types.push_back(byte ? TokenType::byte : TokenType::normal);
    }
    for (const AddedToken& token : added_) {
      vocab_.types[static_cast<std::size_t>(token.id)] =
          token.special ? TokenType::control : TokenType::user_defined;
      if (token.strips_left) vocab_.strips_left.push_back(token.id);
      if (token.strips_right) vocab_.strips_right.push_back(token.id);
    }
    for (std::size_t id = size; id < std::min(files_.vocab_size, Vocabulary::kMaxTokens); ++id) {
      vocab_.texts.add(fmt::format("[PAD{}]", id));
      vocab_.types.push_back(TokenType::unused);
    }
    return {};
  }

  std::string_view text_at(std::size_t place) const {
    return place < json_.ids.size() ? json_.tokens[place]
                                    : std::string_view(added_[place - json_.ids.size()].text);
  }

  Error two_of_one_id(TokenId id, std::string_view first, std::string_view second) const {
    return corrupt(vocab_.source, fmt::format("the tokens '{}' and '{}' both have the id {}",
                                              printable(first), printable(second), id));
  }

  Status check_twice(const TokenTable& table) const {
    for (std::size_t id = 0; id < vocab_.texts.size(); ++id) {
      const TokenId first = table.find(vocab_.texts[id]);
      if (static_cast<std::size_t>(first) == id) continue;
      return corrupt(vocab_.source, fmt::format("the token '{}' has two ids, {} and {}",
                                                printable(vocab_.texts[id]), first, id));
    }
    return {};
  }

  Status find_token(const TokenTable& table, const std::string& source, std::string_view text,
                    std::optional<TokenId>& to) const {
    const TokenId id = table.find(text);
    if (id < 0) {
      return corrupt(source, fmt::format("names '{}', which is no token", printable(text)));
    }
    to = id;
    return {};
  }

  Status read_config(const TokenTable& table) {
    const std::string source = files_.folder + "/tokenizer_config.json";
    const auto config = read_settings(files_.config, source);
    if (!config) return config.error();
    // A name, or an object around one.
    const auto name_of = [&config](const char* key) {
      const Json* value = json_field(*config, key);
      if (value != nullptr && value->is_object()) value = json_field(*value, "content");
      return json_text(value);
    };
    const std::string bos = name_of("bos_token");
    const std::string eos = name_of("eos_token");
    if (!bos.empty()) RETURN_IF_ERROR(find_token(table, source, bos, vocab_.bos));
    if (!eos.empty()) RETURN_IF_ERROR(find_token(table, source, eos, vocab_.eos));
    if (!unknown_.empty()) {
      RETURN_IF_ERROR(find_token(table, vocab_.source, unknown_, vocab_.unknown));
    }
    if (json_flag(*config, "add_eos_token", false)) {
      return Error{ErrorCode::unsupported,
                   fmt::format("{}: add_eos_token is not supported", source)};
    }
    const auto front = read_hub_front_token(json_.rest, vocab_.source);
    if (!front) return front.error();
    vocab_.adds_bos = json_flag(*config, "add_bos_token", front->has_value());
    if (*front && vocab_.adds_bos) {
      RETURN_IF_ERROR(find_token(table, vocab_.source, **front, vocab_.bos));
    }
    return {};
  }

  Status read_generation() {
    const std::string source = files_.folder + "/generation_config.json";
    const auto settings = read_settings(files_.generation, source);
    if (!settings) return settings.error();
    RETURN_IF_ERROR(read_ids(*settings, "eos_token_id", source, vocab_.ends));
    RETURN_IF_ERROR(read_ids(*settings, "suppress_tokens", source, vocab_.suppressed));
    if (!vocab_.eos && !vocab_.ends.empty()) vocab_.eos = vocab_.ends.front();
    return {};
  }

  // One id or a list of them.
  Status read_ids(const Json& settings, const char* key, const std::string& source,
                  std::vector<TokenId>& to) const {
    const Json* value = json_field(settings, key);
    if (value == nullptr) return {};
    const Json list = value->is_array() ? *value : Json::array({*value});
    for (const Json& id : list) {
      if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= vocab_.texts.size()) {
        return corrupt(source, fmt::format("{} names a token that there is not", key));
      }
      to.push_back(id.get<TokenId>());
    }
    return {};
  }

  const HubTokenizerFiles& files_;
  TokenizerJson json_;
  Vocabulary vocab_;
  std::vector<AddedToken> added_;
  std::string unknown_;
  bool byte_fallback_ = false;
};

}  // namespace

Result<Vocabulary> read_hub_tokenizer(const HubTokenizerFiles& files) {
  return Builder(files).build();
}

}  // namespace mneme
