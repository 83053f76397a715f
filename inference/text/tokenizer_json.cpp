// SPDX-License-Identifier: Apache-2.0
#include "inference/text/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/printable.h"
#include "inference/files/file_error.h"
#include "inference/text/vocabulary.h"

namespace mneme {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxBytes = std::size_t{256} << 20;
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxValues = 1'000'000;  // beside the two lists
constexpr std::size_t kMaxMerges = std::size_t{1} << 24;

class Reader : public nlohmann::json_sax<Json> {
 public:
  explicit Reader(TokenizerJson& to) : to_(to) {}

  const std::string& problem() const { return problem_; }

  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override {
    return place_ == Place::vocab ? add_id(value) : add(Json(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    constexpr auto kMost = static_cast<number_unsigned_t>(Vocabulary::kMaxTokens);
    return place_ == Place::vocab ? add_id(static_cast<std::int64_t>(std::min(value, kMost)))
                                  : add(Json(value));
  }
  bool number_float(number_float_t value, const string_t& /*text*/) override {
    return add(Json(value));
  }
  bool binary(binary_t& /*value*/) override { return fail("is not JSON"); }
  bool string(string_t& value) override {
    if (place_ == Place::merges) return add_merge(value);
    if (place_ == Place::pair) return add_part(value);
    return add(Json(std::move(value)));
  }

  bool start_object(std::size_t /*elements*/) override {
    if (at_model("vocab")) return enter(Place::vocab, vocab_seen_);
    return open(Json::object(), at_model("merges"));
  }
  bool start_array(std::size_t /*elements*/) override {
    if (place_ == Place::merges) {
      place_ = Place::pair;
      return true;
    }
    if (at_model("merges")) return enter(Place::merges, merges_seen_);
    return open(Json::array(), at_model("vocab"));
  }
  bool key(string_t& name) override {
    key_ = std::move(name);
    if (place_ != Place::tree || !stack_.back()->contains(key_)) return true;
    return fail(fmt::format("says '{}' twice", printable(key_)));
  }
  bool end_object() override { return close(); }
  bool end_array() override {
    if (place_ == Place::pair) {
      if (parts_ != 2) return fail(bad_merge());
      place_ = Place::merges;
      parts_ = 0;
      return true;
    }
    return close();
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return fail(fmt::format("is not JSON from byte {} on", position));
  }

 private:
  enum class Place : std::uint8_t { tree, vocab, merges, pair, skipped };

  bool fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }

  // The value that begins is `name` of the object "model".
  bool at_model(std::string_view name) const {
    return place_ == Place::tree && stack_.size() == 2 && model_ && stack_.back()->is_object() &&
           key_ == name;
  }

  bool enter(Place place, bool& seen) {
    if (seen) return fail(fmt::format("says '{}' twice", key_));
    seen = true;
    place_ = place;
    return true;
  }

  bool count() {
    return ++values_ <= kMaxValues ||
           fail(fmt::format("has more than {} values beside its tokens and merges", kMaxValues));
  }

  // Into the array or object that is open.
  Json* put(Json value) {
    Json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }

  bool add(Json value) {
    if (place_ == Place::skipped) return true;
    if (place_ == Place::vocab) {
      return fail(fmt::format("the token '{}' has no number as its id", printable(key_)));
    }
    if (place_ != Place::tree) return fail(bad_merge());
    if (stack_.empty()) return fail("is not a JSON object");
    if (!count()) return false;
    put(std::move(value));
    return true;
  }

  bool open(Json value, bool skip) {
    if (place_ == Place::skipped || skip) {
      place_ = Place::skipped;
      if (++skipped_depth_ + stack_.size() <= kMaxDepth) return true;
      return fail(too_deep());
    }
    if (place_ == Place::vocab) {
      return fail(fmt::format("the token '{}' has no number as its id", printable(key_)));
    }
    if (place_ != Place::tree) return fail(bad_merge());
    if (stack_.size() == kMaxDepth) return fail(too_deep());
    if (stack_.empty()) {
      if (!value.is_object()) return fail("is not a JSON object");
      to_.rest = std::move(value);
      stack_.push_back(&to_.rest);
      return true;
    }
    if (!count()) return false;
    if (stack_.size() == 1) model_ = key_ == "model";
    stack_.push_back(put(std::move(value)));
    return true;
  }

  bool close() {
    if (place_ == Place::skipped) {
      if (--skipped_depth_ == 0) place_ = Place::tree;
    } else if (place_ != Place::tree) {
      place_ = Place::tree;
    } else {
      stack_.pop_back();
    }
    return true;
  }

  bool add_id(std::int64_t id) {
    if (id < 0 || id >= static_cast<std::int64_t>(Vocabulary::kMaxTokens)) {
      return fail(fmt::format("the id of the token '{}' is not between 0 and {}", printable(key_),
                              Vocabulary::kMaxTokens - 1));
    }
    if (to_.ids.size() == Vocabulary::kMaxTokens) return fail("has too many tokens");
    to_.tokens.add(key_);
    to_.ids.push_back(static_cast<TokenId>(id));
    return true;
  }

  bool add_merge(std::string_view line) {
    const std::size_t space = line.find(' ', 1);
    if (line.empty() || space == std::string_view::npos) return fail(bad_merge());
    to_.left.add(line.substr(0, space));
    to_.right.add(line.substr(space + 1));
    return enough_merges();
  }

  bool add_part(std::string_view part) {
    if (parts_ == 0) to_.left.add(part);
    if (parts_ == 1) to_.right.add(part);
    return ++parts_ <= 2 ? enough_merges() : fail(bad_merge());
  }

  bool enough_merges() { return to_.left.size() <= kMaxMerges || fail("has too many merges"); }

  std::string bad_merge() const {
    const std::size_t begun = parts_ > 0 ? 1 : 0;
    return fmt::format("merge {} is not two parts", to_.left.size() - begun);
  }
  static std::string too_deep() {
    return fmt::format("lies more than {} objects and arrays deep", kMaxDepth);
  }

  TokenizerJson& to_;
  std::string problem_;
  Place place_ = Place::tree;
  std::vector<Json*> stack_;  // of the open arrays and objects of the tree
  std::string key_;           // the last one read
  bool model_ = false;        // the second of them is "model"
  bool vocab_seen_ = false;
  bool merges_seen_ = false;
  int parts_ = 0;  // of the pair
  std::size_t skipped_depth_ = 0;
  std::size_t values_ = 0;
};

}  // namespace

Result<TokenizerJson> read_tokenizer_json(std::string_view text, const std::string& source) {
  if (text.size() > kMaxBytes) {
    return corrupt(source, fmt::format("has {} bytes; {} are allowed", text.size(), kMaxBytes));
  }
  TokenizerJson json;
  Reader reader(json);
  if (!Json::sax_parse(text, &reader)) return corrupt(source, reader.problem());
  return json;
}

}  // namespace mneme
