// SPDX-License-Identifier: Apache-2.0
// Folders of the Hugging Face hub: the logits are those of the same model as GGUF; every setting is
// computed with, changes nothing, or is named in one sentence.
#include "inference/files/hub_source.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>

#include "gpu/registry.h"
#include "inference/families/family.h"
#include "inference/files/hub_tensors.h"
#include "inference/model/model_config.h"
#include "inference/run/engine.h"
#include "tests/support/hub_folder.h"
#include "tests/support/source_logits.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class HubSource : public ::testing::Test {
 protected:
  HubSource() {
    fs::create_directories(path("source"));
    const TinyModelOptions options{.type = DType::f32, .memory = false};
    file_.emplace(GgufFile::open(write_tiny_model(path("source"), options)).value());
    model_ = hub_model_of(*file_);
  }
  std::string path(const std::string& name) const { return folder_.file(name); }

  // Of the folder "hub", written anew.
  Result<ModelSource> open(const HubModel& model) const {
    fs::remove_all(path("hub"));
    model.write(path("hub"));
    return ModelSource::open(path("hub"));
  }
  // The sentence that the model cannot be used with, its weights among what is checked; "" = it
  // can.
  std::string reason(const HubModel& model) const { return reason_of(open(model)); }
  std::string reason_of(const Result<ModelSource>& source) const {
    if (!source) return source.error().message;
    const auto logits = source_logits(*source, kTokens, *backend_);
    return logits ? "" : logits.error().message;
  }
  std::string reason(const std::function<void(HubModel&)>& change) const {
    HubModel changed = model_;
    change(changed);
    return reason(changed);
  }
  void expect_refused(const std::function<void(HubModel&)>& change,
                      const std::vector<std::string>& words) const {
    const std::string why = reason(change);
    for (const std::string& word : words) {
      EXPECT_NE(why.find(word), std::string::npos) << why << "\nlacks " << word;
    }
  }
  void expect_set_refused(const std::string& name, const Json& value,
                          const std::vector<std::string>& words) const {
    expect_refused([&](HubModel& model) { model.config[name] = value; }, words);
  }
  void expect_reason_of_path(const std::string& path, const std::string& words) const {
    const std::string why = reason_of(ModelSource::open(path));
    EXPECT_NE(why.find(words), std::string::npos) << why << "\nlacks " << words;
  }
  std::vector<float> logits(const Result<ModelSource>& source) const {
    EXPECT_TRUE(source) << source.error().message;
    if (!source) return {};
    const auto all = source_logits(*source, kTokens, *backend_);
    EXPECT_TRUE(all) << all.error().message;
    return all ? *all : std::vector<float>();
  }
  static void expect_near(const std::vector<float>& a, const std::vector<float>& b) {
    ASSERT_EQ(a.size(), b.size());
    ASSERT_FALSE(a.empty());
    float largest = 0;
    for (const float value : a) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 4e-6f * largest);
  }

  static inline const std::vector<TokenId> kTokens = {1, 7, 30, 250, 7, 99, 12, 13};
  TemporaryFolder folder_;
  std::optional<GgufFile> file_;
  HubModel model_;
  std::unique_ptr<Backend> backend_ = std::move(open_backend({1, ""}).value());
};

TEST_F(HubSource, GivesTheLogitsOfTheSameModelAsGguf) {
  const auto whole = logits(ModelSource::open(file_->path()));
  expect_near(logits(open(model_)), whole);
  for (const char* file : {"config.json", "model.safetensors"}) {
    expect_near(logits(ModelSource::open(path("hub/") + file)), whole);
  }
  model_.write_sharded(path("sharded"), 3);
  expect_near(logits(ModelSource::open(path("sharded"))), whole);
  for (const char* file : {"model-00002-of-00003.safetensors", "model.safetensors.index.json"}) {
    expect_near(logits(ModelSource::open(path("sharded/") + file)), whole);
  }
}

TEST_F(HubSource, SaysWhatItIs) {
  const auto source = open(model_);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(source->name(), "hub");
  EXPECT_EQ(source->path(), path("hub"));
  EXPECT_EQ(source->folder(), path("hub"));
  EXPECT_EQ(source->bytes(),
            fs::file_size(path("hub/config.json")) + fs::file_size(path("hub/model.safetensors")));
  const auto config = ModelConfig::read(*source);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->architecture, "llama");
  EXPECT_EQ(config->name, "hub");
  EXPECT_EQ(hub_folder_name("/x/models--owner--Name-1B/snapshots/0123abc/"), "Name-1B");
  const std::string before = source->header_sha256();
  model_.config["rms_norm_eps"] = 1e-3;
  EXPECT_NE(open(model_)->header_sha256(), before);
}

TEST_F(HubSource, DataThatLiesAtOddPlacesIsCopied) {
  const auto whole = logits(open(model_));
  for (const std::size_t pad : {1, 2, 4}) {
    write_file(path("hub/model.safetensors"), safetensors_file(model_.tensors, pad));
    EXPECT_EQ(logits(ModelSource::open(path("hub"))), whole);
  }
}

TEST_F(HubSource, OldAndNewSettingsOfRopeAreTheSame) {
  const auto with = [&](const Json& settings) {
    HubModel model = model_;
    model.config.update(settings);
    return logits(open(model));
  };
  const auto plain = logits(open(model_));
  for (const char* type : {"linear", "yarn", "llama3"}) {
    Json old = {{"factor", 4}, {"type", type}};
    if (type != std::string("linear")) old["original_max_position_embeddings"] = 16;
    if (type == std::string("llama3")) {
      old["low_freq_factor"] = 1.0;
      old["high_freq_factor"] = 4.0;
    }
    Json fresh = old;
    fresh.erase("type");
    fresh["rope_type"] = type;
    fresh["rope_theta"] = model_.config["rope_theta"];
    const auto by_old = with({{"rope_scaling", old}});
    EXPECT_EQ(by_old, with({{"rope_theta", nullptr}, {"rope_parameters", fresh}})) << type;
    EXPECT_NE(by_old, plain) << type;
  }
  EXPECT_EQ(with({{"rope_scaling", nullptr}}), plain);
  EXPECT_EQ(with({{"rope_scaling", {{"rope_type", "default"}}}}), plain);
}

TEST_F(HubSource, ScalingsThatAreNotComputedAreNamed) {
  for (const char* type : {"dynamic", "longrope", "su", "mrope"}) {
    expect_set_refused("rope_scaling", {{"type", type}, {"factor", 2.0}},
                       {"hub uses RoPE scaling", type});
  }
  expect_set_refused("rope_scaling", {{"type", "yarn"}, {"factor", 4.0}, {"attention_factor", 2}},
                     {"rope_scaling.attention_factor = 2"});
  expect_set_refused("rope_scaling", {{"type", "yarn"}, {"factor", 4.0}, {"mscale", 0.7}},
                     {"rope_scaling.mscale = 0.7"});
  expect_set_refused("rope_scaling", {{"type", "linear"}}, {"rope_scaling.factor is missing"});
  expect_set_refused("rope_scaling", {{"type", "linear"}, {"factor", -1}},
                     {"rope_scaling.factor is -1"});
  expect_set_refused("rope_scaling", {{"rope_type", "llama3"}, {"factor", 8}},
                     {"rope_scaling.low_freq_factor in config.json is missing"});
  expect_set_refused(
      "rope_parameters",
      {{"rope_theta", 1e4}, {"rope_type", "default"}, {"partial_rotary_factor", 0.5}},
      {"rope_parameters.partial_rotary_factor = 0.5"});
}

TEST_F(HubSource, SettingsThatChangeNothingDoNotMatter) {
  EXPECT_EQ(reason([](HubModel& model) {
              model.config.update({{"torch_dtype", "bfloat16"},
                                   {"transformers_version", "4.40.0"},
                                   {"use_cache", true},
                                   {"pretraining_tp", 1},
                                   {"attention_bias", false},
                                   {"mlp_bias", false},
                                   {"id2label", {{"0", "LABEL_0"}}},
                                   {"rope_interleaved", false},
                                   {"sliding_window", 4096},
                                   {"layer_types", {"full_attention", "full_attention"}},
                                   {"transformers.js_config", {{"dtype", "q4"}}},
                                   {"eos_token_id", {1, 2}}});
            }),
            "");
}

TEST_F(HubSource, AWindowOfMistralIsComputed) {
  HubModel model = model_;
  model.config["model_type"] = "mistral";
  const auto whole = logits(open(model));
  model.config["sliding_window"] = 4;
  EXPECT_NE(logits(open(model)), whole);
  model.config["use_sliding_window"] = false;
  EXPECT_EQ(logits(open(model)), whole);
}

TEST_F(HubSource, SettingsThatAreNotComputedWithAreNamed) {
  expect_set_refused("model_type", "mamba",
                     {"hub has the model type 'mamba'", "'llama'", "'qwen3'"});
  expect_set_refused("clip_qkv", 8.0, {"the setting clip_qkv = 8.0"});
  expect_set_refused("quantization_config", {{"quant_method", "gptq"}},
                     {"quantization_config.quant_method = \"gptq\""});
  expect_set_refused("hidden_act", "gelu", {"hidden_act = \"gelu\""});
  expect_set_refused("num_local_experts", 8, {"num_local_experts = 8"});
  expect_set_refused("layer_types", {"sliding_attention", "full_attention"}, {"layer_types"});
  expect_set_refused("sliding_window", 0, {"sliding_window is 0"});
  expect_set_refused("attn_logit_softcapping", 50.0, {"attn_logit_softcapping = 50"});
  expect_set_refused("new\x1b", true, {"new\\x1b = true"});
}

TEST_F(HubSource, NumbersThatMakeNoSenseAreNamed) {
  expect_set_refused("hidden_size", "64", {"hidden_size in config.json should be a whole number"});
  expect_set_refused("hidden_size", 9223372036854775808u, {"hidden_size", "below 2^63"});
  expect_set_refused("hidden_size", 1ull << 62, {"hidden_size is 4611686018427387904"});
  expect_set_refused("num_hidden_layers", 0, {"num_hidden_layers is 0"});
  expect_set_refused("num_hidden_layers", 1 << 30, {"num_hidden_layers is 1073741824"});
  expect_set_refused("vocab_size", 1ull << 60,
                     {"1152921504606846976", "model.embed_tokens.weight"});
  expect_set_refused("vocab_size", -1, {"vocab_size"});
  expect_set_refused("rms_norm_eps", 0, {"rms_norm_eps is 0"});
  expect_set_refused("num_attention_heads", 0, {"num_attention_heads is 0"});
  expect_set_refused("num_key_value_heads", 3, {"4 heads cannot share 3"});
  expect_refused([](HubModel& model) { model.config.erase("hidden_size"); },
                 {"hidden_size is missing"});
}

TEST_F(HubSource, AConfigThatContradictsItsTensorsIsOneSentence) {
  expect_set_refused("intermediate_size", 128,
                     {"mlp.gate_proj.weight is 96 x 64", "needs 128 x 64"});
  expect_set_refused("num_hidden_layers", 1, {"model.layers.1."});
  expect_set_refused("num_hidden_layers", 3, {"model.layers.2.", "is missing"});
  expect_set_refused("tie_word_embeddings", false,
                     {"lm_head.weight is missing", "tie_word_embeddings"});
  expect_set_refused("attention_bias", true,
                     {"attention_bias is true", "model.layers.0.self_attn.q_proj.bias is missing"});
  expect_refused(
      [](HubModel& model) {
        model.config["mlp_bias"] = false;
        model.tensors["model.layers.0.mlp.gate_proj.bias"] = {"F32", {96}, std::string(384, '\0')};
      },
      {"mlp_bias is false", "model.layers.0.mlp.gate_proj.bias is there"});
  expect_refused([](HubModel& model) { model.tensors.erase("model.norm.weight"); },
                 {"model.norm.weight is missing"});
  expect_refused(
      [](HubModel& model) {
        model.tensors["score.weight"] = {"F32", {1}, std::string(4, '\0')};
      },
      {"hub has the tensor score.weight"});
  expect_refused(
      [](HubModel& model) {
        SafetensorsEntry& tensor = model.tensors["model.layers.0.mlp.up_proj.weight"];
        tensor = {"F8_E4M3", tensor.shape, std::string(96 * 64, '\0')};
      },
      {"model.layers.0.mlp.up_proj.weight has the type F8_E4M3"});
  // Stored once more: the same, or another one.
  HubModel both = model_;
  both.tensors["lm_head.weight"] = both.tensors["model.embed_tokens.weight"];
  EXPECT_EQ(reason(both), "");
  both.tensors["lm_head.weight"].bytes[5] ^= 1;
  EXPECT_NE(reason(both).find("lm_head.weight is another matrix"), std::string::npos);
}

TEST_F(HubSource, DamagedTextIsOneSentence) {
  model_.write(path("hub"));
  const auto expect = [&](const std::string& config, const std::string& words) {
    write_file(path("hub/config.json"), config);
    const auto source = ModelSource::open(path("hub"));
    ASSERT_FALSE(source);
    EXPECT_NE(source.error().message.find(words), std::string::npos) << source.error().message;
    EXPECT_EQ(source.error().message.find('\n'), std::string::npos);
  };
  expect("", "hub/config.json: it does not hold a JSON object");
  expect("[1]", "does not hold a JSON object");
  expect("{\"a\": 1", "does not hold a JSON object");
  expect("{\"a\": " + std::string(1 << 20, '['), "nested deeper than 64");
  expect("{\"model_type\": 3}", "model type ''");
  expect(std::string(5 << 20, ' '), "bytes");
  fs::remove(path("hub/config.json"));
  expect_reason_of_path(path("hub/model.safetensors"), "has no config.json beside it");
}

TEST_F(HubSource, ShardsThatDoNotFitTogetherAreNamed) {
  const std::string there = path("sharded");
  const auto fresh = [&] {
    fs::remove_all(there);
    model_.write_sharded(there, 3);
  };
  const std::string second = there + "/model-00002-of-00003.safetensors";
  const std::string index = there + "/model.safetensors.index.json";
  fresh();
  fs::remove(second);
  expect_reason_of_path(there, second + " is missing");
  fresh();
  write_file(second, safetensors_file(model_.tensors));
  expect_reason_of_path(there, "is in two of its files");
  fresh();
  write_file(second, safetensors_file({}));
  expect_reason_of_path(there, "it says that model-00002-of-00003.safetensors holds the tensor");
  fresh();
  for (const char* name : {"../model.safetensors", "/etc/passwd", ".hidden"}) {
    write_file(index, Json{{"weight_map", {{"model.norm.weight", name}}}}.dump());
    expect_reason_of_path(there, std::string("names '") + name + "' as a file beside it");
  }
  write_file(index, Json{{"weight_map", Json::object()}}.dump());
  expect_reason_of_path(there, "it names no file");
  fresh();
  fs::resize_file(second, fs::file_size(second) - 1);
  expect_reason_of_path(there, "model-00002-of-00003.safetensors");
}

TEST_F(HubSource, AFolderWithTwoModelsNamesBoth) {
  model_.write_sharded(path("hub"), 2);
  model_.write(path("hub"));
  expect_reason_of_path(path("hub"), "model.safetensors and model.safetensors.index.json");
  fs::remove(path("hub/model.safetensors.index.json"));
  fs::remove(path("hub/model.safetensors"));
  expect_reason_of_path(path("hub"),
                        "model-00001-of-00002.safetensors and model-00002-of-00002.safetensors");
  fs::remove(path("hub/model-00001-of-00002.safetensors"));
  fs::remove(path("hub/model-00002-of-00002.safetensors"));
  expect_reason_of_path(path("hub"), "no weights");
  model_.write(path("hub"));
  write_file(path("hub/other.safetensors"), safetensors_file(model_.tensors));
  expect_reason_of_path(path("hub/other.safetensors"), "no part of the model in its folder");
}

TEST_F(HubSource, TextOfAModelThatAlsoSeesIsFoundWithin) {
  HubModel seeing = model_;
  const Json text = seeing.config;
  for (const auto& [outer, inner] : {std::pair{"model.language_model.", "model."},
                                     std::pair{"language_model.model.", "model."}}) {
    seeing.config = {{"model_type", "llama_with_eyes"},
                     {"architectures", {"EyesForConditionalGeneration"}},
                     {"image_token_id", 3},
                     {"vision_config", {{"hidden_size", 8}}},
                     {"text_config", text}};
    seeing.tensors.clear();
    for (const auto& [name, tensor] : model_.tensors) {
      seeing.tensors[outer + name.substr(std::string(inner).size())] = tensor;
    }
    seeing.tensors["vision_tower.patch.weight"] = {"F32", {2, 3, 1, 1, 2}, std::string(48, '\0')};
    const auto source = open(seeing);
    expect_near(logits(source), logits(ModelSource::open(file_->path())));
  }
  seeing.config["something"] = 1;
  EXPECT_NE(reason(seeing).find("something = 1"), std::string::npos);
}

TEST_F(HubSource, AnEngineChatsAsWithTheGguf) {
  model_.write(path("hub"));
  write_hub_tokenizer(*file_, path("hub"));
  const auto answer = [](const std::string& path) -> std::string {
    EngineOptions options;
    options.model_path = path;
    options.memory = "off";
    options.threads = 1;
    options.exact = true;
    const auto engine = Engine::open(options);
    EXPECT_TRUE(engine) << engine.error().message;
    if (!engine) return "";
    EXPECT_TRUE((*engine)->layout().chat_available) << (*engine)->layout().chat_unavailable_reason;
    GenerateRequest request;
    request.messages = {{Role::user, "the sea and the land"}};
    request.max_tokens = 12;
    request.ignore_end = true;
    request.sampling.temperature = 0;
    request.trace = std::make_shared<TraceLog>();
    const auto result = (*engine)->generate(request);
    EXPECT_TRUE(result) << result.error().message;
    std::string tokens;
    for (EventIndex i = 0; i < request.trace->size(); ++i) {
      tokens += std::to_string(request.trace->record(i).token()) + " ";
    }
    return tokens;
  };
  const std::string expected = answer(file_->path());
  EXPECT_GT(expected.size(), 60u);
  EXPECT_EQ(answer(path("hub")), expected);
  fs::remove(path("hub/tokenizer.json"));
  EngineOptions options;
  options.model_path = path("hub");
  const auto without = Engine::open(options);
  ASSERT_FALSE(without);
  EXPECT_NE(without.error().message.find("has no tokenizer.json"), std::string::npos);
}

TEST_F(HubSource, AChatTemplateIsFoundWhereTransformersKeepsIt) {
  model_.write(path("hub"));
  const auto found = [&]() -> std::string {
    const auto source = ModelSource::open(path("hub"));
    EXPECT_TRUE(source) << source.error().message;
    const auto text = source->metadata().find<std::string_view>("tokenizer.chat_template");
    return text && *text ? std::string(**text) : "none";
  };
  EXPECT_EQ(found(), "none");
  const auto settings = [&](const Json& json) {
    write_file(path("hub/tokenizer_config.json"), json.dump());
  };
  settings({{"chat_template", "one"}});
  EXPECT_EQ(found(), "one");
  settings({{"chat_template",
             {{{"name", "tool_use"}, {"template", "tools"}},
              {{"name", "default"}, {"template", "two"}}}}});
  EXPECT_EQ(found(), "two");
  write_file(path("hub/chat_template.json"), R"({"chat_template": "three"})");
  EXPECT_EQ(found(), "three");
  write_file(path("hub/chat_template.jinja"), "four");
  EXPECT_EQ(found(), "four");
}

TEST_F(HubSource, ATokenizerThatIsCutUnderAnOpenModelIsTold) {
  model_.write(path("hub"));
  const std::string tokenizer = path("hub/tokenizer.json");
  if (!std::filesystem::exists(tokenizer)) write_file(tokenizer, R"({"model": {}})");
  const auto source = ModelSource::open(path("hub"));
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_TRUE(source->texts().tokenizer);
  EXPECT_TRUE(source->unchanged());
  std::filesystem::resize_file(tokenizer, 3);
  const Status status = source->unchanged();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("tokenizer.json"), std::string::npos);
}

TEST(HubTensors, NamesAreTranslatedBothWays) {
  for (const auto& [hub, gguf] : {
           std::pair{"model.embed_tokens.weight", "token_embd.weight"},
           {"model.norm.weight", "output_norm.weight"},
           {"lm_head.weight", "output.weight"},
           {"model.layers.12.self_attn.q_proj.bias", "blk.12.attn_q.bias"},
           {"model.layers.0.post_attention_layernorm.weight", "blk.0.ffn_norm.weight"},
       }) {
    EXPECT_EQ(gguf_tensor_name(hub, kLlama.hub), gguf);
    EXPECT_EQ(hub_tensor_name(gguf, kLlama.hub), hub);
  }
  EXPECT_EQ(gguf_tensor_name("model.layers.0.post_attention_layernorm.weight", kGemma3.hub),
            "blk.0.post_attention_norm.weight");
  EXPECT_EQ(hub_tensor_name("blk.0.ffn_norm.weight", kGemma3.hub),
            "model.layers.0.pre_feedforward_layernorm.weight");
  for (const char* unknown : {"", "model.layers.", "model.layers.x.mlp.up_proj.weight", "norm",
                              "model.layers.1.mlp.experts.0.w1.weight"}) {
    EXPECT_EQ(gguf_tensor_name(unknown, kLlama.hub), unknown);
  }
}

}  // namespace
}  // namespace mneme
