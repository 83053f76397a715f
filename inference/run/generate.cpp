// SPDX-License-Identifier: Apache-2.0
// Engine::generate and Engine::evaluate: the loops around a Session.
#include "inference/run/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "base/check.h"
#include "base/exceptions.h"
#include "inference/run/engine.h"
#include "inference/run/engine_impl.h"
#include "inference/run/sampler.h"
#include "inference/run/trace_recorder.h"
#include "inference/text/reply_text.h"

namespace mneme {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::uint64_t fresh_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

// One answer while it is being made.
class Answer {
 public:
  Answer(Engine::Impl& impl, const GenerateRequest& request, const GenerateCallback& progress,
         Prompt prompt, Clock::time_point started)
      : impl_(impl),
        session_(*impl.session),
        request_(request),
        callback_(progress),
        prompt_(std::move(prompt)),
        recorder_(session_, impl.shape(), impl.records, request.trace.get()),
        text_(*impl.tokenizer, request.sampling.stops),
        started_(started) {
    result_.seed = request.sampling.seed ? *request.sampling.seed : fresh_seed();
    result_.prompt_tokens = static_cast<std::int64_t>(prompt_.tokens.size());
    result_.dropped_messages = prompt_.dropped_messages;
    result_.prompt_first_event = recorder_.next_event();
    progress_.prompt_total = result_.prompt_tokens;
    progress_.prompt_first_event = result_.prompt_first_event;
  }

  Result<GenerateResult> run() {
    Status status = read_prompt();
    result_.reply_first_event = recorder_.next_event();
    if (status.has_value()) status = decode();
    if (const std::string rest = text_.finish(); !rest.empty()) report(rest);
    if (!status.has_value() && status.error().code != ErrorCode::cancelled) return status.error();
    if (!status.has_value()) result_.stop_reason = StopReason::stopped;
    result_.reply_end_event = recorder_.next_event();
    result_.ngrams_device = recorder_.ngrams(Tier::device);
    result_.ngrams_ram = recorder_.ngrams(Tier::ram);
    result_.ngrams_ssd_in_time = recorder_.ngrams(Tier::ssd_in_time);
    result_.ngrams_ssd_late = recorder_.ngrams(Tier::ssd_late);
    result_.stall_us = static_cast<std::uint64_t>(recorder_.wait_us());
    return std::move(result_);
  }

 private:
  Status read_prompt() {
    // An exception may have come between a token and its record.
    session_.rewind(std::min(session_.length(), impl_.records.size()));
    const auto same = std::mismatch(session_.tokens().begin(), session_.tokens().end(),
                                    prompt_.tokens.begin(), prompt_.tokens.end());
    const auto common = static_cast<std::int64_t>(same.second - prompt_.tokens.begin());
    result_.reused_tokens = std::min(common, result_.prompt_tokens - 1);
    progress_.prompt_done = result_.reused_tokens;
    for (std::int64_t i = prompt_.record_from; i < result_.reused_tokens; ++i) {
      recorder_.repeat(i, prompt_.sources[static_cast<std::size_t>(i)]);
    }
    report();
    const auto start = Clock::now();
    TokenProbabilities probabilities;
    bool known = false;  // `probabilities` speak of the next token
    RETURN_IF_ERROR(session_.sync(
        prompt_.tokens, request_.prompt_probabilities, request_.cancel, [&](const StepView& step) {
          recorder_.count(step);
          for (std::int64_t i = 0; i < step.tokens; ++i) {
            const std::int64_t position = step.position + i;
            recorder_.record(
                step, i,
                {prompt_.sources[static_cast<std::size_t>(position)], false,
                 known ? &probabilities : nullptr, 0, position >= prompt_.record_from});
            known = request_.prompt_probabilities && position + 1 < result_.prompt_tokens;
            if (known) {
              probabilities = token_probabilities(
                  session_.logits(i), prompt_.tokens[static_cast<std::size_t>(position) + 1]);
            }
          }
          progress_.prompt_done = step.position + step.tokens;
          report();
        }));
    const double seconds = seconds_since(start);
    const auto read = static_cast<double>(result_.prompt_tokens - result_.reused_tokens);
    result_.prefill_tok_s = seconds > 0 ? read / seconds : 0;
    return {};
  }

  Status decode() {
    Sampler sampler(request_.sampling, result_.seed, impl_.tokenizer->suppressed());
    progress_.phase = GeneratePhase::decode;
    progress_.reply_first_event = result_.reply_first_event;
    const auto start = Clock::now();
    Status status;
    for (;;) {
      if (request_.max_tokens > 0 && result_.generated_tokens >= request_.max_tokens) {
        result_.stop_reason = StopReason::length;
        break;
      }
      if (session_.length() >= session_.context()) {
        result_.stop_reason = StopReason::context_full;
        break;
      }
      const auto sample_start = Clock::now();
      const TokenId token = sampler.pick(session_.last_logits(), session_.tokens());
      const double sample_us = 1e6 * seconds_since(sample_start);
      if (result_.generated_tokens == 0)
        result_.time_to_first_token_ms = 1e3 * seconds_since(started_);
      status = evaluate(token, sample_us);
      if (!status.has_value()) break;
      ++result_.generated_tokens;
      progress_.generated = result_.generated_tokens;
      const bool end = impl_.tokenizer->is_end(token);
      if (!end) result_.tokens.push_back(token);
      report(text_.push(token));
      if (text_.stopped()) {
        result_.stop_reason = StopReason::stop_text;
        break;
      }
      if (end && !request_.ignore_end) {
        result_.stop_reason = StopReason::end_of_turn;
        break;
      }
    }
    const double seconds = seconds_since(start);
    result_.decode_us = static_cast<std::uint64_t>(1e6 * seconds);
    result_.trace_us = static_cast<std::uint64_t>(trace_us_);
    if (seconds > 0) result_.decode_tok_s = static_cast<double>(result_.generated_tokens) / seconds;
    return status;
  }

  // Evaluates the picked token, also the last one: every token that is shown has its record, and
  // the next turn finds it in the KV cache.
  Status evaluate(TokenId token, double sample_us) {
    auto trace_start = Clock::now();
    TokenProbabilities probabilities;
    const bool traced = request_.trace != nullptr;
    if (traced) probabilities = token_probabilities(session_.last_logits(), token);
    trace_us_ += 1e6 * seconds_since(trace_start);
    const bool end = impl_.tokenizer->is_end(token);
    return session_.step(token, request_.cancel, [&](const StepView& step) {
      trace_start = Clock::now();
      recorder_.count(step);
      const TokenSource reply =
          request_.messages.empty() ? TokenSource::raw_prompt : TokenSource::assistant;
      recorder_.record(step, 0,
                       {end ? TokenSource::template_text : reply, true,
                        traced ? &probabilities : nullptr, sample_us});
      trace_us_ += 1e6 * seconds_since(trace_start);
    });
  }

  void report(std::string_view new_text = {}) {
    result_.text += new_text;
    progress_.new_text = new_text;
    if (callback_) callback_(progress_);
  }

  Engine::Impl& impl_;
  Session& session_;
  const GenerateRequest& request_;
  const GenerateCallback& callback_;
  const Prompt prompt_;
  TraceRecorder recorder_;
  ReplyText text_;
  GenerateResult result_;
  GenerateProgress progress_;
  double trace_us_ = 0;
  const Clock::time_point started_;
};

// What is evaluated as it is.
Status check_tokens(const Engine::Impl& impl, std::span<const TokenId> tokens) {
  if (tokens.empty()) return Error{ErrorCode::invalid, "there is no text to evaluate"};
  const std::int64_t context = impl.session->context();
  if (static_cast<std::int64_t>(tokens.size()) > context) {
    return Error{ErrorCode::invalid, fmt::format("the text has {} tokens, the context only {}",
                                                 tokens.size(), context)};
  }
  for (const TokenId token : tokens) {
    if (token >= 0 && token < impl.config.vocab_size) continue;
    return Error{ErrorCode::invalid, fmt::format("the token {} is not in the vocabulary, which has "
                                                 "the tokens 0 to {}",
                                                 token, impl.config.vocab_size - 1)};
  }
  return {};
}

Result<Prompt> prompt_of(const Engine::Impl& impl, const GenerateRequest& request) {
  if (request.prompt_tokens.empty()) {
    return build_prompt(*impl.tokenizer, impl.chat_template ? &*impl.chat_template : nullptr,
                        request, impl.session->context());
  }
  RETURN_IF_ERROR(check_tokens(impl, request.prompt_tokens));
  Prompt prompt;
  prompt.tokens = request.prompt_tokens;
  prompt.sources.assign(prompt.tokens.size(), TokenSource::raw_prompt);
  return prompt;
}

}  // namespace

Result<std::vector<TokenId>> Engine::prompt_tokens(const GenerateRequest& request) const {
  auto prompt = prompt_of(*impl_, request);
  if (!prompt) return prompt.error();
  return std::move(prompt->tokens);
}

Result<GenerateResult> Engine::generate(const GenerateRequest& request,
                                        const GenerateCallback& progress) {
  const auto started = Clock::now();
  RETURN_IF_ERROR(check_sampler_options(request.sampling));
  return without_exceptions([&]() -> Result<GenerateResult> {
    auto prompt = prompt_of(*impl_, request);
    if (!prompt) return prompt.error();
    impl_->session->set_memory(request.memory_on);
    impl_->session->time_steps(request.trace != nullptr);
    return Answer(*impl_, request, progress, std::move(*prompt), started).run();
  });
}

Status Engine::evaluate(std::span<const TokenId> tokens, bool memory_on, const LogitsSink& sink,
                        TraceLog* trace, bool probabilities, const std::atomic<bool>* cancel,
                        std::int64_t from) {
  RETURN_IF_ERROR(check_tokens(*impl_, tokens));
  CHECK(from >= 0 && from < static_cast<std::int64_t>(tokens.size()));
  Session& session = *impl_->session;
  session.set_memory(memory_on);
  session.rewind(std::min({from, session.length(), impl_->records.size()}));
  session.time_steps(trace != nullptr);
  TraceRecorder recorder(session, impl_->shape(), impl_->records, trace);
  TokenProbabilities known_probabilities;
  bool known = false;
  const auto record = [&](const StepView& step) {
    for (std::int64_t i = 0; i < step.tokens; ++i) {
      const auto position = static_cast<std::size_t>(step.position + i);
      recorder.record(step, i,
                      {TokenSource::raw_prompt, false, known ? &known_probabilities : nullptr, 0});
      const bool has_logits = step.position + i >= from;
      known = probabilities && has_logits && position + 1 < tokens.size();
      if (known) known_probabilities = token_probabilities(session.logits(i), tokens[position + 1]);
      if (sink && has_logits) sink(step.position + i, session.logits(i));
    }
  };
  const auto before = tokens.first(static_cast<std::size_t>(from));
  if (!std::ranges::equal(session.tokens(), before)) {
    RETURN_IF_ERROR(session.sync(before, false, cancel, record));
  }
  return session.sync(tokens, sink != nullptr || probabilities, cancel, record);
}

}  // namespace mneme
