// SPDX-License-Identifier: Apache-2.0
#include "ui/models/branch_trace.h"

#include <QSignalSpy>
#include <QtTest>
#include <cmath>

#include "tests/ui/ui_test.h"
#include "tests/ui/synthetic_trace.h"
#include "ui/selection.h"

using namespace mneme;

class BranchTraceTest : public QObject {
  Q_OBJECT

  // `count` tokens at positions from..; the token at position p is 1000 + p.
  static std::shared_ptr<TraceLog> logOf(int count, std::uint32_t from = 0) {
    auto log = std::make_shared<TraceLog>();
    extend(*log, count, from);
    return log;
  }
  static void extend(TraceLog& log, int count, std::uint32_t from, int topCount = 0) {
    TraceRecordWriter writer;
    for (int i = 0; i < count; ++i) {
      writer.begin({2, 1, 2});
      writer.header().position = from + static_cast<std::uint32_t>(i);
      writer.header().token = 1000 + static_cast<TokenId>(writer.header().position);
      writer.header().top_count = static_cast<std::uint8_t>(topCount);
      writer.header().log_prob = topCount > 0 ? std::log(0.25f) : 0;
      QVERIFY(log.append(writer.finish()));
    }
  }

 private Q_SLOTS:
  void mapsTokensToEventsAndBack() {
    BranchTrace trace;
    // A regenerated answer: the records [5, 8) belong to another branch.
    trace.reset(logOf(12), {{1, 0, 5}, {2, 5, 5}, {3, 8, 12}});
    QCOMPARE(trace.size(), 9);
    for (int i = 0; i < trace.size(); ++i) {
      QCOMPARE(trace.indexOf(trace.eventAt(i)), std::optional(i));
    }
    QCOMPARE(trace.eventAt(5), EventIndex{8});
    QVERIFY(!trace.indexOf(6));
    QVERIFY(!trace.indexOf(99));
    QCOMPARE(trace.messageOf(4), std::optional(MessageId{1}));
    QCOMPARE(trace.messageOf(8), std::optional(MessageId{3}));
    QVERIFY(!trace.messageOf(5));
    QCOMPARE(trace.messageAt(5).message, MessageId{3});
  }

  void rangesFromADamagedFileAreCut() {
    BranchTrace trace;
    trace.reset(logOf(4), {{1, 0, 3}, {2, 3, 900}, {3, 700, 800}, {4, 3, 1}});
    QCOMPARE(trace.size(), 4);
    trace.reset(nullptr, {{1, 0, 5}});
    QCOMPARE(trace.size(), 0);
  }

  void growsWithTheAnswer() {
    BranchTrace trace;
    const auto log = logOf(6);
    trace.reset(log, {{1, 0, 4}});
    QSignalSpy grew(&trace, &BranchTrace::grew);
    trace.extendLast(6);
    QCOMPARE(grew.count(), 1);
    QCOMPARE(grew.at(0).at(0).toInt(), 4);
    trace.extendLast(6);
    trace.extendLast(900);  // not written yet
    QCOMPARE(grew.count(), 1);
    extend(*log, 2, 6);
    trace.append({2, 6, 8});
    QCOMPARE(trace.size(), 8);
    QCOMPARE(grew.count(), 2);
  }

  void contextEndsWhereTokensWereNotRecorded() {
    BranchTrace trace;
    const auto log = logOf(5);
    extend(*log, 3, 20);  // old turns were left out: positions jump
    trace.reset(log, {{1, 0, 5}, {2, 5, 8}});
    BranchTrace::Context context = trace.context(4, 3);
    QCOMPARE(context.tokens, (std::vector<TokenId>{1002, 1003, 1004}));
    QVERIFY(context.complete);
    context = trace.context(1, 3);
    QCOMPARE(context.tokens, (std::vector<TokenId>{1000, 1001}));
    QVERIFY(context.complete);  // the sequence starts there
    context = trace.context(6, 3);
    QCOMPARE(context.tokens, (std::vector<TokenId>{1020, 1021}));
    QVERIFY(!context.complete);
    QVERIFY(trace.context(7, 3).complete);
  }

  void addsProbabilitiesThatWereComputedLater() {
    BranchTrace trace;
    const auto log = logOf(5);
    extend(*log, 2, 5, 3);
    trace.reset(log, {{1, 0, 7}});
    TraceLog evaluated;
    extend(evaluated, 1, 0);
    extend(evaluated, 4, 1, 8);
    QSignalSpy changed(&trace, &BranchTrace::recordsChanged);
    QVERIFY(trace.addProbabilities(evaluated));
    QCOMPARE(changed.count(), 1);
    QCOMPARE(int(trace.recordAt(0).header().top_count), 0);
    QCOMPARE(int(trace.recordAt(2).header().top_count), 8);
    QVERIFY(std::abs(trace.recordAt(2).header().log_prob - std::log(0.25f)) < 1e-6f);
    QCOMPARE(trace.recordAt(2).token(), 1002);
    QVERIFY(is_valid_trace_record(trace.recordAt(2).bytes()));
    QCOMPARE(int(trace.recordAt(6).header().top_count), 3);
    // The same log again keeps them, another one does not.
    trace.reset(log, {{1, 0, 5}});
    QCOMPARE(int(trace.recordAt(2).header().top_count), 8);
    trace.reset(logOf(5), {{1, 0, 5}});
    QCOMPARE(int(trace.recordAt(2).header().top_count), 0);
    TraceLog others;
    extend(others, 3, 7, 8);
    QVERIFY(!trace.addProbabilities(others));
  }

  void selectionPrefersWhatIsUnderTheMouse() {
    Selection selection;
    QSignalSpy shown(&selection, &Selection::shownChanged);
    QSignalSpy pinned(&selection, &Selection::pinnedChanged);
    selection.pin(7);
    selection.hover(9);
    QCOMPARE(selection.shown(), std::optional(EventIndex{9}));
    selection.pin(8);  // by a key: the mouse, at rest, gives way
    QCOMPARE(selection.shown(), std::optional(EventIndex{8}));
    QCOMPARE(shown.count(), 3);
    QCOMPARE(pinned.count(), 2);
    selection.hover(std::nullopt);
    QCOMPARE(selection.shown(), std::optional(EventIndex{8}));
    selection.pin(8);
    QCOMPARE(pinned.count(), 2);
    selection.clear();
    QVERIFY(!selection.shown());
    QCOMPARE(shown.count(), 4);
    selection.clear();
    QCOMPARE(shown.count(), 4);
  }
};

UI_TEST(BranchTraceTest)
#include "branch_trace_test.moc"
