// SPDX-License-Identifier: Apache-2.0
#include "inference/run/session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/exceptions.h"

namespace mneme {
namespace {

double microseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

std::span<const float> float_row(const Buffer& buffer, std::int64_t row, std::int64_t cols) {
  const auto offset = static_cast<std::size_t>(row * cols);
  const auto* values = reinterpret_cast<const float*>(buffer.host().data());
  return {values + offset, static_cast<std::size_t>(cols)};
}

// One NaN among weights or table rows reaches every logit; samplers could not order them.
bool all_finite(std::span<const float> values) {
  bool finite = true;
  for (const float v : values) finite &= std::abs(v) <= std::numeric_limits<float>::max();
  return finite;
}

}  // namespace

Status files_unchanged(const ModelSource* model, const GgufFile* pack) {
  Status same = model != nullptr ? model->unchanged() : Status();
  if (same && pack != nullptr) same = pack->unchanged();
  if (same) return {};
  return Error{same.error().code, same.error().message + ": open the model again"};
}

Result<std::unique_ptr<Session>> Session::create(const Model& model,
                                                 const SessionOptions& options) {
  std::unique_ptr<Session> session(new Session(model, options));
  session->sequences_.resize(options.sequences);
  auto cache =
      KvCache::create(model.config, model.pack, options.context,
                      static_cast<std::int64_t>(options.sequences), options.mode, model.placement);
  if (!cache) return cache.error();
  session->cache_ = std::move(*cache);
  auto io = StepBuffers::create(model.config, model.pack, model.device_rows, options.chunk_tokens,
                                options.outputs_max, model.placement);
  if (!io) return io.error();
  session->io_ = std::move(*io);

  for (std::size_t p = 0; p < model.placement.parts().size(); ++p) {
    PartPlans part;
    part.backend = model.placement.parts()[p].backend;
    auto plain = session->compile(p, nullptr);
    if (!plain) return plain.error();
    part.plain = std::move(*plain);
    if (model.pack != nullptr) {
      auto memory = session->compile(p, model.pack);
      if (!memory) return memory.error();
      part.memory = std::move(*memory);
    }
    session->parts_.push_back(std::move(part));
  }
  session->set_memory(true);
  return session;
}

Result<std::unique_ptr<Plan>> Session::compile(std::size_t part, const MemoryPack* pack) const {
  CompileOptions compile;
  compile.mode = options_.mode;
  compile.tokens_max = options_.chunk_tokens;
  compile.outputs_max = options_.outputs_max;
  compile.sequences_max = static_cast<std::int64_t>(options_.sequences);
  const Graph graph = build_graph(model_.config, model_.weights, pack, model_.device_rows, cache_,
                                  io_, model_.placement, part);
  return model_.placement.parts()[part].backend->compile(graph, compile);
}

void Session::set_memory(bool on) {
  on = on && model_.pack != nullptr;
  if (on == memory_on()) return;
  memory_.reset();
  if (on) {
    memory_ = std::make_unique<MemoryRows>(*model_.pack, *model_.tables, model_.device_rows, io_);
  }
  for (std::size_t s = 0; s < sequences_.size(); ++s) rewind(0, s);
}

void Session::rewind(std::int64_t length, std::size_t sequence) {
  Sequence& s = sequences_[sequence];
  CHECK(length >= 0 && length <= s.length);
  s.length = length;
  s.tokens.resize(static_cast<std::size_t>(length));
}

// What the segments of the next step will wait for.
void Session::prefetch(std::span<const Run> runs) {
  if (!memory_on()) return;
  std::vector<MemoryRows::Tokens> tokens;
  for (const Run& run : runs) {
    tokens.push_back({sequences_[run.sequence].tokens, run.first, run.count});
  }
  memory_->prefetch(tokens);
}

void Session::begin_step() {
  if (memory_on()) memory_->begin_step();
}

void Session::give_up_step() {
  if (memory_on()) memory_->give_up();
}

// What a segment waits for: an Engram layer's rows.
Status Session::wait_for(WaitId id, std::size_t part, const std::atomic<bool>* cancel) {
  const double begin = now_us();
  const auto slot = static_cast<std::size_t>(id);
  RETURN_IF_ERROR(memory_->wait(slot, cancel));
  const double end = now_us();
  last_.wait_us += end - begin;
  if (slot == 0) last_.first_wait_us = end - begin;
  spans_.push_back({StepSpan::Kind::wait, static_cast<std::int8_t>(slot),
                    static_cast<std::uint8_t>(part), static_cast<float>(begin),
                    static_cast<float>(end)});
  return {};
}

// What a step computed counts only if the files it was computed from are still what they were, and
// a change of theirs explains whatever went wrong.
Status Session::run(std::span<const Run> runs, const std::atomic<bool>* cancel) {
  const Status status = run_parts(runs, cancel);
  RETURN_IF_ERROR(files_unchanged(model_.source, model_.pack_file));
  RETURN_IF_ERROR(status);
  for (std::int64_t output = 0; output < last_.outputs; ++output) {
    if (!all_finite(logits(output))) {
      return Error{ErrorCode::corrupt,
                   "the model computed logits that are not finite numbers: its file or the memory "
                   "pack is damaged"};
    }
  }
  if (memory_on()) memory_->end_step();
  last_.total_us = now_us();
  last_.compute_us = last_.total_us - last_.wait_us;
  last_.spans = spans_;
  for (const Run& run : runs) sequences_[run.sequence].length += run.count;
  return {};
}

// The loop to read first: rows were asked for before; each segment of each part's graph runs as
// soon as what it waits for is there.
Status Session::run_parts(std::span<const Run> runs, const std::atomic<bool>* cancel) {
  step_start_ = Clock::now();
  spans_.clear();
  step_.clear();
  for (const Run& run : runs) {
    const auto tokens =
        std::span(sequences_[run.sequence].tokens)
            .subspan(static_cast<std::size_t>(run.first), static_cast<std::size_t>(run.count));
    step_.add(tokens, run.first, static_cast<std::int64_t>(run.sequence), run.outputs);
  }
  last_ = StepView{.position = runs.front().first,
                   .tokens = static_cast<std::int64_t>(step_.tokens.size()),
                   .outputs = static_cast<std::int64_t>(step_.outputs.size())};
  CHECK(last_.tokens <= options_.chunk_tokens && last_.outputs <= options_.outputs_max);
  if (memory_on()) last_.asked_us = microseconds(memory_->asked() - step_start_);

  StepParams params = step_.params();
  params.cancel = cancel;
  params.timed = timed_;
  if (memory_on()) params.ngrams = memory_->ngrams();
  for (std::size_t p = 0; p < parts_.size(); ++p) RETURN_IF_ERROR(run_part(p, params));
  return {};
}

Status Session::run_part(std::size_t index, const StepParams& params) {
  PartPlans& part = parts_[index];
  Plan& plan = memory_on() ? *part.memory : *part.plain;
  const std::size_t count = params.tokens.size();
  if (index > 0) {
    const ResidualTransfer& residual = io_.residual_transfers[index - 1];
    const std::size_t bytes = count * static_cast<std::size_t>(model_.config.dim) * sizeof(float);
    std::memcpy(residual.to.host().data(), residual.from.host().data(), bytes);
  }
  const double begin = now_us();
  for (const Segment& segment : plan.segments()) {
    if (segment.waits_for) {
      const Status there = wait_for(*segment.waits_for, index, params.cancel);
      if (!there) {
        // What runs of this step ends here, and so does a stop: none of it reaches the next one.
        (void)part.backend->finish();
        return there;
      }
    }
    part.backend->run(plan, segment, params);
  }
  RETURN_IF_ERROR(part.backend->finish());
  add_spans(index, plan, begin);
  return {};
}

double Session::now_us() const {
  return microseconds(Clock::now() - step_start_);
}

// What the backend says of a part that began `begin_us` after the step.
void Session::add_spans(std::size_t part, const Plan& plan, double begin_us) {
  const auto segments = plan.segments();
  const auto times = parts_[part].backend->segment_times();
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto slot = static_cast<std::int8_t>(segments[i].waits_for.value_or(-1));
    const auto add = [&](StepSpan::Kind kind, double begin, double end) {
      spans_.push_back({kind, slot, static_cast<std::uint8_t>(part),
                        static_cast<float>(begin_us + begin), static_cast<float>(begin_us + end)});
    };
    if (times[i].copy_end_us > times[i].copy_begin_us) {
      add(StepSpan::Kind::copy, times[i].copy_begin_us, times[i].copy_end_us);
    }
    if (segments[i].first_op == segments[i].end_op) continue;  // a part may begin with a memory
    add(StepSpan::Kind::compute, times[i].begin_us, times[i].end_us);
  }
}

Status Session::sync(std::span<const TokenId> tokens, bool all_outputs,
                     const std::atomic<bool>* cancel, const OnStep& on_step, std::size_t sequence) {
  CHECK(!tokens.empty() && static_cast<std::int64_t>(tokens.size()) <= options_.context);
  Sequence& s = sequences_[sequence];
  const auto evaluated = this->tokens(sequence);
  const auto same = std::mismatch(evaluated.begin(), evaluated.end(), tokens.begin(), tokens.end());
  const auto common = static_cast<std::int64_t>(same.second - tokens.begin());
  const auto total = static_cast<std::int64_t>(tokens.size());
  rewind(std::min(common, total - 1), sequence);
  s.tokens.insert(s.tokens.end(), tokens.begin() + s.length, tokens.end());
  const Status status =
      without_exceptions([&] { return read_rest(sequence, all_outputs, cancel, on_step); });
  if (!status) give_up_step();
  rewind(s.length, sequence);  // after a failure: only what was evaluated stays
  return status;
}

Status Session::read_rest(std::size_t sequence, bool all_outputs, const std::atomic<bool>* cancel,
                          const OnStep& on_step) {
  const Sequence& s = sequences_[sequence];
  const auto total = static_cast<std::int64_t>(s.tokens.size());
  const std::int64_t chunk_max =
      all_outputs ? std::min(options_.chunk_tokens, options_.outputs_max) : options_.chunk_tokens;
  const auto chunk_at = [&](std::int64_t first) {
    const std::int64_t count = std::min(chunk_max, total - first);
    const std::int64_t outputs = all_outputs ? count : (first + count == total ? 1 : 0);
    return Run{sequence, first, count, outputs};
  };
  Run chunk = chunk_at(s.length);
  prefetch({&chunk, 1});
  while (s.length < total) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      return Error{ErrorCode::cancelled, "stopped"};
    }
    begin_step();
    // The drive reads the next chunk's rows while this one computes.
    const Run next = chunk_at(chunk.first + chunk.count);
    if (next.count > 0) prefetch({&next, 1});
    RETURN_IF_ERROR(run({&chunk, 1}, cancel));
    on_step(last_);
    chunk = next;
  }
  return {};
}

Status Session::step(std::span<const NextTokens> next, const std::atomic<bool>* cancel,
                     const OnStep& on_step) {
  std::vector<Run> runs;
  for (const NextTokens& added : next) {
    Sequence& s = sequences_[added.sequence];
    const auto count = static_cast<std::int64_t>(added.tokens.size());
    CHECK(count > 0 && s.length + count <= options_.context);
    s.tokens.insert(s.tokens.end(), added.tokens.begin(), added.tokens.end());
    runs.push_back({added.sequence, s.length, count, added.outputs});
  }
  const Status status = without_exceptions([&]() -> Status {
    prefetch(runs);
    begin_step();
    RETURN_IF_ERROR(run(runs, cancel));
    on_step(last_);
    return {};
  });
  if (!status) give_up_step();
  for (const Run& run : runs) rewind(sequences_[run.sequence].length, run.sequence);
  return status;
}

Status Session::step(TokenId token, const std::atomic<bool>* cancel, const OnStep& on_step) {
  const NextTokens next{0, {&token, 1}, 1};
  return step({&next, 1}, cancel, on_step);
}

std::span<const float> Session::logits(std::int64_t output) const {
  CHECK(output >= 0 && output < last_.outputs);
  return float_row(io_.logits, output, model_.config.vocab_size);
}

std::span<const float> Session::last_logits() const {
  return logits(last_.outputs - 1);
}

std::span<const float> Session::gates(std::size_t slot, std::int64_t token) const {
  CHECK(memory_on() && token < last_.tokens);
  return float_row(io_.gates[slot], token, model_.pack->header.streams);
}

std::span<const float> Session::writes(std::size_t slot, std::int64_t token) const {
  CHECK(memory_on() && token < last_.tokens);
  return float_row(io_.writes[slot], token, model_.pack->header.streams);
}

RowOutcome Session::outcome(std::size_t slot, std::int64_t token, std::size_t order) const {
  CHECK(memory_on() && token < last_.tokens);
  return memory_->outcome(slot, token, order);
}

}  // namespace mneme
