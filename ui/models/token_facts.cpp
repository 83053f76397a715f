// SPDX-License-Identifier: Apache-2.0
#include "ui/models/token_facts.h"

#include <QCoreApplication>
#include <cmath>

#include "base/check.h"
#include "base/half.h"
#include "engram/compressed_vocab.h"
#include "ui/models/token_text.h"
#include "ui/models/utf8_spans.h"

namespace mneme {
namespace {

struct FactWords {
  Q_DECLARE_TR_FUNCTIONS(mneme::TokenFacts)
};

void addChoices(TokenFacts& facts, const InspectModel* model) {
  const TraceHeader& header = facts.header;
  if (header.top_count == 0) return;
  facts.probability = std::exp(double{header.log_prob});
  for (int i = 0; i < header.top_count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    facts.choices.push_back(
        {.token = header.top_tokens[at],
         .text = tokenText(model, header.top_tokens[at]),
         .probability = std::exp(double{half_to_float(header.top_log_probs[at])})});
  }
}

void addLayers(TokenFacts& facts, const TraceRecord& record, const InspectModel* model) {
  for (int slot = 0; slot < record.shape().layers; ++slot) {
    TokenFacts::Layer layer;
    layer.name = layerName(model, slot);
    for (int stream = 0; stream < record.shape().streams; ++stream) {
      layer.gates.push_back(record.gate(slot, stream));
      layer.writes.push_back(record.write(slot, stream));
    }
    layer.gate = record.gate_max(slot);
    layer.write = record.write_max(slot);
    facts.layers.push_back(std::move(layer));
  }
}

void addKey(NgramFacts& ngram, const BranchTrace::Context& context, const InspectModel& model,
            const std::vector<NgramKey>& keys) {
  const auto order = static_cast<std::size_t>(ngram.order);
  const std::size_t found = std::min(order, context.tokens.size());
  const std::vector<TokenId> tokens(context.tokens.end() - static_cast<std::ptrdiff_t>(found),
                                    context.tokens.end());
  ngram.known = found == order || context.complete;
  ngram.text = ngramText(model, tokens);
  if (!ngram.known) return;
  ngram.key = keys[order - 2];
  for (std::size_t i = found; i < order; ++i) {
    ngram.tokens.push_back(FactWords::tr("start"));
    ngram.folded.push_back(FactWords::tr("pad"));
  }
  for (const TokenId token : tokens) {
    ngram.tokens.push_back(visibleText(model.tokenBytes(token)));
    ngram.folded.push_back(foldedText(model, token));
  }
}

void addNgrams(TokenFacts& facts, const BranchTrace& trace, const TraceRecord& record,
               const InspectModel* model) {
  const bool fits = model && !facts.otherModel && model->fits(record.shape());
  BranchTrace::Context context;
  std::vector<NgramKey> keys;
  if (fits) {
    const HashSpec& spec = model->hasher->spec();
    context = trace.context(facts.index, spec.max_ngram_size);
    keys.resize(static_cast<std::size_t>(spec.orders()));
    model->hasher->keys_at(context.tokens, context.tokens.size() - 1, keys);
  } else if (record.shape().layers > 0) {
    facts.whyNoRows =
        facts.otherModel || !model
            ? FactWords::tr("Open the model that made this token to see its rows.")
            : FactWords::tr("Open the n-gram memory that made this token to see its rows.");
  }
  for (int o = 0; o < record.shape().orders && record.shape().layers > 0; ++o) {
    NgramFacts ngram;
    ngram.order = o + 2;
    ngram.known = false;
    if (fits) addKey(ngram, context, *model, keys);
    for (int slot = 0; slot < record.shape().layers; ++slot) {
      NgramLayerFacts layer;
      layer.tier = record.tier(slot, o);
      layer.latencyUs = record.latency_us(slot, o);
      if (ngram.known) {
        const auto at = static_cast<std::size_t>(slot);
        layer.mix = model->hasher->mix(at, ngram.key);
        layer.rows.resize(static_cast<std::size_t>(model->hasher->spec().head_count));
        model->hasher->rows(at, ngram.key, layer.rows);
      }
      ngram.layers.push_back(std::move(layer));
    }
    if (fits && !ngram.known) {
      facts.whyNoRows = FactWords::tr("The tokens before this one were not recorded.");
    }
    facts.ngrams.push_back(std::move(ngram));
  }
}

QString whyNoMemory(const InspectModel* model) {
  if (model && !model->layout.memory) {
    const QString reason = QString::fromStdString(model->layout.memory_absent_reason);
    return reason.isEmpty() ? FactWords::tr("This model has no n-gram memory.") : reason;
  }
  return FactWords::tr("The n-gram memory was off for this token.");
}

}  // namespace

TokenFacts factsOf(const BranchTrace& trace, const InspectSource& source, int index) {
  const auto model = source.model();
  const TraceRecord record = trace.recordAt(index);
  TokenFacts facts;
  facts.index = index;
  facts.event = trace.eventAt(index);
  facts.header = record.header();
  facts.otherModel = trace.messageAt(index).otherModel;
  const InspectModel* own = facts.otherModel ? nullptr : model.get();
  facts.text = tokenText(own, record.token());
  facts.untrained = own && own->fits(record.shape()) && !own->layout.memory->trained;
  addChoices(facts, own);
  addLayers(facts, record, own);
  if (facts.layers.empty()) facts.whyNoMemory = whyNoMemory(own);
  addNgrams(facts, trace, record, own);
  return facts;
}

RowFacts rowFacts(const InspectModel& model, const NgramKey& key, int layerSlot, int head) {
  const HashSpec& spec = model.hasher->spec();
  CHECK(head >= 0 && head < spec.head_count);
  const auto slot = static_cast<std::size_t>(layerSlot);
  std::vector<RowId> rows(static_cast<std::size_t>(spec.head_count));
  model.hasher->rows(slot, key, rows);
  const auto column = static_cast<std::size_t>((key.order - 2) * spec.head_count + head);
  RowFacts facts;
  facts.prime = spec.layers[slot].primes[column];
  facts.offset = spec.layers[slot].offsets[column];
  facts.row = rows[static_cast<std::size_t>(head)];
  facts.remainder = facts.row - facts.offset;
  facts.fileOffset = model.rowFileOffset ? model.rowFileOffset(slot, facts.row) : 0;
  facts.bytes = model.rowBytes();
  return facts;
}

QString ngramText(const InspectModel& model, const std::vector<TokenId>& tokens) {
  std::vector<std::string> bytes;
  for (const TokenId token : tokens) bytes.push_back(model.tokenBytes(token));
  QString text = spellTokens(bytes, false).text;
  text.replace(QLatin1Char('\n'), QChar(0x21b5));
  text.replace(QLatin1Char('\t'), QChar(0x21e5));
  text.replace(QLatin1Char('\r'), QChar(0x240d));
  const QString trimmed = text.trimmed();
  return trimmed.isEmpty() ? text.replace(QLatin1Char(' '), QChar(0x2423)) : trimmed;
}

QString foldedText(const InspectModel& model, TokenId token) {
  const std::string bytes = model.tokenBytes(token);
  const Result<std::string> key = class_key(bytes, bytes);
  if (!key || key->empty()) return visibleText(bytes);
  return visibleText(*key);
}

QString hexText(std::uint64_t value) {
  const QString digits =
      QStringLiteral("%1").arg(static_cast<qulonglong>(value), 16, 16, QLatin1Char('0'));
  return QStringLiteral("0x%1 %2 %3 %4")
      .arg(digits.mid(0, 4), digits.mid(4, 4), digits.mid(8, 4), digits.mid(12, 4));
}

QString offsetText(std::uint64_t value) {
  return QStringLiteral("0x%1").arg(static_cast<qulonglong>(value), 8, 16, QLatin1Char('0'));
}

}  // namespace mneme
