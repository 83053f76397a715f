// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/answer_text.h"

#include <QCoreApplication>
#include <QStringList>

#include "ui/format.h"

namespace mneme {
namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("AnswerText", text);
}

QString tokens(std::int64_t n) {
  return format::counted(n, tr("%1 token"), tr("%1 tokens"));
}

QString liveFigures(const AnswerLive& live) {
  const GenerateProgress& p = live.progress;
  if (p.phase == GeneratePhase::prefill) {
    if (p.prompt_total == 0) return tr("waiting for the engine");
    return tr("reading prompt %1 of %2")
        .arg(format::count(p.prompt_done), format::count(p.prompt_total));
  }
  QStringList parts;
  if (live.tokensPerSecond > 0) parts << format::rate(live.tokensPerSecond);
  parts << tokens(p.generated);
  return parts.join(QStringLiteral("    "));
}

QString memoryFigures(const AnswerRecord& answer, bool untrained, StorageKind storage) {
  if (!answer.memory_on)
    return answer.pack_name.empty() ? tr("no n-gram memory") : tr("n-gram memory off");
  const GenerateResult& r = answer.result;
  const auto all = static_cast<double>(r.ngrams_device + r.ngrams_ram + r.ngrams_ssd_in_time +
                                       r.ngrams_ssd_late);
  const QString name = untrained ? tr("n-gram memory (untrained)") : tr("n-gram memory");
  if (all == 0) return tr("%1: no rows were needed").arg(name);
  const QString away =
      storage == StorageKind::direct ? tr("SSD") : tr("file (cached by the system)");
  const auto share = [&](std::uint64_t n) { return format::percent(static_cast<double>(n) / all); };
  QStringList parts;
  if (r.ngrams_device > 0) parts << tr("%1 on the device").arg(share(r.ngrams_device));
  parts << tr("%1 from RAM").arg(share(r.ngrams_ram));
  parts << tr("%1 from %2").arg(share(r.ngrams_ssd_in_time + r.ngrams_ssd_late), away);
  parts << tr("%1 waited for").arg(format::count(static_cast<std::int64_t>(r.ngrams_ssd_late)));
  return tr("%1: %2").arg(name, parts.join(tr(", ")));
}

}  // namespace

QString answerFigures(const TranscriptItem& item, bool untrained, StorageKind storage) {
  if (item.live) return liveFigures(*item.live);
  if (!item.row.answer) {
    // No model wrote it.
    const bool written =
        item.row.role == Role::assistant && item.row.state == MessageState::complete;
    return written ? tr("edited") : QString();
  }
  const GenerateResult& r = item.row.answer->result;
  QStringList parts;
  if (r.decode_tok_s > 0) parts << format::rate(r.decode_tok_s);
  if (r.time_to_first_token_ms > 0) {
    parts << tr("first token %1").arg(format::milliseconds(r.time_to_first_token_ms));
  }
  parts << tokens(r.generated_tokens);
  parts << memoryFigures(*item.row.answer, untrained, storage);
  return parts.join(QStringLiteral("    "));
}

QString answerNotice(const TranscriptItem& item) {
  QStringList lines;
  if (item.live && item.live->stalledSeconds > 0) {
    lines << tr("Waiting for the drive: n-gram rows have not come for %1 s (%2 open). The "
                "answer goes on as soon as they do; Esc stops it.")
                 .arg(format::count(static_cast<std::int64_t>(item.live->stalledSeconds)),
                      format::counted(static_cast<std::int64_t>(item.live->stalledReads),
                                      tr("%1 read"), tr("%1 reads")));
  }
  const MessageRow& row = item.row;
  if (row.answer && row.answer->result.dropped_messages > 0) {
    lines << format::counted(
        row.answer->result.dropped_messages,
        tr("The chat is longer than the context: the oldest message was left "
           "out for this answer."),
        tr("The chat is longer than the context: the %1 oldest messages were left "
           "out for this answer."));
  }
  switch (row.state) {
    case MessageState::failed:
      lines << tr("Failed: %1").arg(QString::fromStdString(row.error));
      break;
    case MessageState::interrupted:
      lines << tr("Interrupted: the program ended while this was being written.");
      break;
    case MessageState::stopped:
      lines << (item.text.isEmpty() ? tr("Stopped before the first word.") : tr("Stopped by you."));
      break;
    case MessageState::streaming:
    case MessageState::complete:
      break;
  }
  if (row.answer && row.answer->result.stop_reason == StopReason::length) {
    lines << tr("Ended at the limit of tokens set for this chat.");
  }
  if (row.answer && row.answer->result.stop_reason == StopReason::context_full) {
    lines << tr(
        "The context is full: no token more fits. Start a new chat, or open the model with a "
        "larger context.");
  }
  return lines.join(QLatin1Char('\n'));
}

QString answerOrigin(const AnswerRecord& answer) {
  const SamplerOptions& s = answer.sampling;
  const GenerateResult& r = answer.result;
  QStringList lines;
  lines << tr("Model: %1").arg(QString::fromStdString(answer.model_name));
  lines << (answer.memory_on ? tr("N-gram memory: %1").arg(QString::fromStdString(answer.pack_name))
                             : tr("N-gram memory: off"));
  lines << tr("Prompt: %1 tokens, %2 of them found in the cache, %3")
               .arg(format::count(r.prompt_tokens), format::count(r.reused_tokens),
                    format::rate(r.prefill_tok_s));
  lines << tr("Waited for rows: %1").arg(format::microseconds(static_cast<double>(r.stall_us)));
  lines << tr("Temperature %1, top-k %2, top-p %3, min-p %4, repetition penalty %5")
               .arg(format::decimal(s.temperature), format::count(s.top_k),
                    format::decimal(s.top_p), format::decimal(s.min_p),
                    format::decimal(s.repetition_penalty));
  lines << tr("Seed: %1").arg(QString::number(r.seed));
  lines << (answer.exact ? tr("Arithmetic: exact") : tr("Arithmetic: fast"));
  lines << tr("Program: %1").arg(QString::fromStdString(answer.program_version));
  return lines.join(QLatin1Char('\n'));
}

}  // namespace mneme
