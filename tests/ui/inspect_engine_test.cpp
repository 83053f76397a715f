// SPDX-License-Identifier: Apache-2.0
// The inspection views on the real engine with a tiny model: what they show is what the engine did.
#include <QSignalSpy>
#include <QtTest>
#include <cmath>

#include "base/half.h"
#include "inference/text/tokenizer.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/ui/ui_test.h"
#include "ui/bridge/engine_host.h"
#include "ui/bridge/engine_source.h"
#include "ui/bridge/prompt_probabilities.h"
#include "ui/models/token_facts.h"
#include "ui/views/chat/ink_text.h"
#include "ui/views/inspect/slots_view.h"
#include "ui/views/inspect/strip_canvas.h"
#include "ui/views/inspect/strip_view.h"
#include "ui/views/inspect/tiers_view.h"
#include "ui/views/inspect/token_card.h"

using namespace mneme;

class InspectEngineTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() {
    m_path = write_tiny_model(m_folder.path());
    auto store = ChatStore::open(":memory:");
    QVERIFY(store);
    m_store = std::move(*store);
    m_host = std::make_unique<EngineHost>(m_jobs);
    m_source = std::make_unique<InspectSource>();
    connectInspectSource(*m_host, *m_source);
    QSignalSpy opened(m_host.get(), &EngineHost::modelOpened);
    m_host->openModel({.model_path = m_path, .threads = 1});
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, 60'000);
    QVERIFY(m_source->hasPack());
    answer();
  }

  void cleanupTestCase() {
    m_source->setModel(nullptr);
    m_host.reset();
    m_store.reset();
  }

  void everyTokenIsShownWithItsRows() {
    const auto model = m_host->model();
    std::vector<TokenId> tokens;
    for (int i = 0; i < m_trace.size(); ++i) tokens.push_back(m_trace.recordAt(i).token());
    const NgramHasher& hasher = *model->hasher();
    std::vector<NgramKey> keys(static_cast<std::size_t>(hasher.spec().orders()));
    std::vector<RowId> rows(static_cast<std::size_t>(hasher.spec().head_count));
    for (int i = 0; i < m_trace.size(); ++i) {
      const TokenFacts facts = factsOf(m_trace, *m_source, i);
      QVERIFY(facts.untrained);
      QVERIFY(facts.whyNoRows.isEmpty());
      hasher.keys_at(tokens, static_cast<std::size_t>(i), keys);
      QCOMPARE(facts.ngrams.size(), keys.size());
      for (std::size_t o = 0; o < keys.size(); ++o) {
        for (std::size_t slot = 0; slot < facts.ngrams[o].layers.size(); ++slot) {
          hasher.rows(slot, keys[o], rows);
          QCOMPARE(facts.ngrams[o].layers[slot].rows, rows);
        }
      }
      for (const TokenFacts::Layer& layer : facts.layers) {
        QVERIFY(layer.gate > 0 && layer.gate < 1);
        QVERIFY(layer.write >= 0 && std::isfinite(layer.write));
      }
    }
  }

  void theInkSpellsTheReply() {
    Selection selection;
    InkText ink(m_trace, selection, *m_source);
    ink.setMessage(QString::fromStdString(m_result.text), m_result.reply_first_event,
                   m_result.reply_end_event, TokenSource::assistant);
    QVERIFY2(ink.whyEmpty().isEmpty(), qPrintable(ink.whyEmpty()));
    QVERIFY(ink.contains(m_result.reply_first_event));
    ink.setMessage(QStringLiteral("hello there"), 0, m_result.reply_first_event, TokenSource::user);
    QVERIFY2(ink.whyEmpty().isEmpty(), qPrintable(ink.whyEmpty()));
  }

  void promptProbabilitiesAreThoseOfTheModel() {
    int prompt = 0;
    while (m_trace.recordAt(prompt).header().top_count == 0) ++prompt;
    QVERIFY(prompt > 2);
    // From the logits, in the engine itself.
    std::vector<TokenId> tokens;
    for (int i = 0; i < prompt; ++i) tokens.push_back(m_trace.recordAt(i).token());
    Selection selection;
    TokenCard card(m_trace, selection, *m_source);
    StripView strip(m_trace, selection, *m_source);
    PromptProbabilities asker(*m_host, m_trace);
    connect(&card, &TokenCard::promptProbabilitiesRequested, &asker, &PromptProbabilities::request);
    selection.pin(m_trace.eventAt(2));
    QVERIFY(card.facts()->choices.empty());
    QVERIFY(!strip.canvas()->data().probability(0, prompt));
    QSignalSpy changed(&m_trace, &BranchTrace::recordsChanged);
    QSignalSpy failed(&asker, &PromptProbabilities::failed);
    Q_EMIT card.promptProbabilitiesRequested(m_trace.eventAt(2));
    QTRY_VERIFY_WITH_TIMEOUT(changed.count() + failed.count() == 1, 60'000);
    QVERIFY2(failed.isEmpty(), failed.isEmpty() ? "" : qPrintable(failed.at(0).at(0).toString()));
    QCOMPARE(card.facts()->choices.size(), std::size_t{8});
    QVERIFY(strip.canvas()->data().probability(0, prompt).has_value());

    std::vector<float> logProbs;
    const auto engine = Engine::open({.model_path = m_path, .threads = 1});
    QVERIFY(engine);
    const Status evaluated = (*engine)->evaluate(
        tokens, true, [&](std::int64_t position, std::span<const float> logits) {
          const auto next = static_cast<std::size_t>(position) + 1;
          if (next >= tokens.size()) return;
          double sum = 0;
          for (const float logit : logits) sum += std::exp(double{logit});
          logProbs.push_back(static_cast<float>(
              double{logits[static_cast<std::size_t>(tokens[next])]} - std::log(sum)));
        });
    QVERIFY(evaluated);
    for (int i = 1; i < prompt; ++i) {
      const TraceHeader header = m_trace.recordAt(i).header();
      QCOMPARE(int(header.top_count), 8);
      QVERIFY(std::abs(header.log_prob - logProbs[static_cast<std::size_t>(i - 1)]) < 1e-3f);
    }
    QCOMPARE(int(m_trace.recordAt(0).header().top_count), 0);
  }

  void theTiersViewIsLiveAndTheBudgetActs() {
    TiersView view(*m_source);
    view.show();
    QSignalSpy tiers(m_source.get(), &InspectSource::tiersUpdated);
    QTRY_VERIFY(tiers.count() >= 2);
    // The share's name says whether the page cache may have answered.
    const bool direct = m_host->tiers().storage == StorageKind::direct;
    const QString share = direct ? QStringLiteral("without SSD") : QStringLiteral("without a read");
    QVERIFY(view.figure(share).contains(QLatin1Char('%')));
    QCOMPARE(view.figure(QStringLiteral("bytes written")), QStringLiteral("0 B"));
    m_host->setRamBudget(1'000'000);
    QTRY_COMPARE(m_host->tiers().budget_bytes, 1'000'000u);
  }

  void theSlotsTableHoldsEveryRow() {
    Selection selection;
    SlotsView view(m_trace, selection, *m_source, m_jobs);
    view.show();
    const MemoryLayout& memory = *m_source->model()->layout.memory;
    const int slots = m_trace.size() * static_cast<int>(memory.layer_ids.size()) *
                      (memory.max_ngram_size - 1) * memory.head_count;
    QTRY_COMPARE(view.table()->rowCount(), slots);
  }

 private:
  void answer() {
    m_log = std::make_shared<TraceLog>();
    EngineHost::AnswerJob job;
    job.request.messages = {{Role::user, "hello there"}};
    job.request.sampling.temperature = 0;
    job.request.max_tokens = 12;
    job.request.trace = m_log;
    QSignalSpy finished(m_host.get(), &EngineHost::answerFinished);
    QSignalSpy failed(m_host.get(), &EngineHost::answerFailed);
    connect(m_host.get(), &EngineHost::answerFinished, this,
            [this](const GenerateResult& result) { m_result = result; });
    m_host->generate(*m_store, job);
    QTRY_VERIFY_WITH_TIMEOUT(finished.count() + failed.count() == 1, 60'000);
    QVERIFY2(failed.isEmpty(), failed.isEmpty() ? "" : qPrintable(failed.at(0).at(0).toString()));
    m_trace.reset(m_log, {{1, m_result.prompt_first_event, m_result.reply_first_event},
                          {2, m_result.reply_first_event, m_result.reply_end_event}});
    QVERIFY(m_trace.size() > 12);
  }

  TemporaryFolder m_folder;
  std::string m_path;
  Jobs m_jobs;
  std::unique_ptr<ChatStore> m_store;
  std::unique_ptr<EngineHost> m_host;
  std::unique_ptr<InspectSource> m_source;
  std::shared_ptr<TraceLog> m_log;
  GenerateResult m_result;
  BranchTrace m_trace;
};

UI_TEST(InspectEngineTest)
#include "inspect_engine_test.moc"
