// SPDX-License-Identifier: Apache-2.0
#include <QAbstractItemModelTester>
#include <QDateTime>
#include <QSignalSpy>
#include <QtTest>

#include "tests/ui/ui_test.h"
#include "ui/models/chat_list_model.h"
#include "ui/models/transcript_model.h"

using namespace mneme;

namespace {

ChatRow chat(ChatId id, const char* title, const QDateTime& changed) {
  ChatRow row;
  row.id = id;
  row.title = title;
  row.updated_ms = changed.toMSecsSinceEpoch();
  return row;
}

MessageRow row(MessageId id, MessageId parent, Role role, const char* text) {
  MessageRow row;
  row.id = id;
  row.parent = parent;
  row.role = role;
  row.text = text;
  return row;
}

QStringList titles(const QAbstractItemModel& model) {
  QStringList list;
  for (int i = 0; i < model.rowCount(); ++i) list << model.index(i, 0).data().toString();
  return list;
}

}  // namespace

class ChatModelsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void chatsStandUnderTheirDays() {
    ChatListModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    const QDate today(2026, 3, 10);
    model.setChats({chat(3, "new", today.startOfDay().addSecs(3600)),
                    chat(2, "", today.addDays(-1).startOfDay().addSecs(60)),
                    chat(1, "old", today.addDays(-9).startOfDay())},
                   today);
    QCOMPARE(titles(model), QStringList({QStringLiteral("Today"), QStringLiteral("new"),
                                         QStringLiteral("Yesterday"), QStringLiteral("New chat"),
                                         QStringLiteral("Earlier"), QStringLiteral("old")}));
    QVERIFY((model.flags(model.index(0)) & Qt::ItemIsSelectable) == 0);
    QCOMPARE(model.indexOf(1).row(), 5);
    QVERIFY(!model.indexOf(99).isValid());
  }

  void hitsReplaceTheListUntilTheSearchEnds() {
    ChatListModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    const QDate today(2026, 3, 10);
    const auto one = chat(1, "Horses", today.startOfDay());
    model.setChats({one}, today);
    model.setHits({{.chat = 1,
                    .count = 6,
                    .hits = {{0, "Horses", 0, 5},
                             {7, "für a horse", 7, 12},
                             {8, "horse", 0, 5},
                             {9, "horse", 0, 5},
                             {11, "horse", 0, 5}}},
                   {.chat = 44, .count = 1, .hits = {{0, "gone", 0, 4}}}});
    // A heading, the chat, two places besides the title, and what stands for the other three.
    QCOMPARE(model.rowCount(), 5);
    QCOMPARE(model.index(0).data().toString(), QStringLiteral("Found in 1 chat"));
    QCOMPARE(model.index(1).data(ChatListModel::CountRole).toInt(), 6);
    QCOMPARE(model.index(1).data(ChatListModel::MatchRole).toPoint(), QPoint(0, 5));
    QCOMPARE(model.index(2).data(ChatListModel::MessageRole).toLongLong(), 7);
    QCOMPARE(model.index(2).data(ChatListModel::SnippetRole).toString(),
             QStringLiteral("für a horse"));
    QCOMPARE(model.index(2).data(ChatListModel::MatchRole).toPoint(), QPoint(6, 5));
    QCOMPARE(model.index(4).data(ChatListModel::MoreRole).toInt(), 3);
    QCOMPARE(model.firstHit().row(), 2);
    QCOMPARE(model.indexOf(1, 8).row(), 3);
    QVERIFY(model.expand(1));
    QCOMPARE(model.rowCount(), 7);
    QCOMPARE(model.index(6).data(ChatListModel::MoreRole).toInt(), 1);  // not all were asked for
    QVERIFY(!model.expand(1));
    model.setChats({one, chat(2, "B", today.startOfDay())}, today);
    QCOMPARE(model.rowCount(), 7);  // still the hits
    model.clearHits();
    QCOMPARE(model.rowCount(), 3);
  }

  void renamingAsksAndDoesNotActItself() {
    ChatListModel model;
    const QDate today(2026, 3, 10);
    model.setChats({chat(5, "a", today.startOfDay())}, today);
    QSignalSpy asked(&model, &ChatListModel::renameRequested);
    QVERIFY(model.setData(model.indexOf(5), QStringLiteral("  b  c "), Qt::EditRole));
    QCOMPARE(asked.count(), 1);
    QCOMPARE(asked[0][1].toString(), QStringLiteral("b c"));
    QVERIFY(!model.setData(model.index(0), QStringLiteral("x"), Qt::EditRole));  // a heading
  }

  void theBranchIsThePathToTheLeaf() {
    TranscriptModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    model.setTree({row(1, 0, Role::user, "q"), row(2, 1, Role::assistant, "a"),
                   row(3, 1, Role::assistant, "b"), row(4, 3, Role::user, "r"),
                   row(5, 4, Role::assistant, "s")},
                  5);
    QCOMPARE(titles(model), QStringList({QStringLiteral("q"), QStringLiteral("b"),
                                         QStringLiteral("r"), QStringLiteral("s")}));
    QCOMPARE(model.at(1).siblings, 2);
    QCOMPARE(model.at(1).sibling, 1);
    QCOMPARE(model.at(1).previousSibling, MessageId{2});
    QCOMPARE(model.at(1).nextSibling, MessageId{0});
    QCOMPARE(model.leafBelow(3), MessageId{5});
    QCOMPARE(model.leafBelow(2), MessageId{2});
    model.showLeaf(2);
    QCOMPARE(titles(model), QStringList({QStringLiteral("q"), QStringLiteral("a")}));
    QCOMPARE(model.at(1).nextSibling, MessageId{3});
    model.showLeaf(model.leafBelow(3));
    QCOMPARE(model.rowCount(), 4);
  }

  void anAnswerGrowsAndEnds() {
    TranscriptModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    model.setTree({row(1, 0, Role::user, "q")}, 1);
    model.add(row(2, 1, Role::assistant, ""));
    QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
    model.setStreaming(2, QStringLiteral("he"), {});
    model.setStreaming(2, QStringLiteral("hello"), {});
    QCOMPARE(changed.count(), 2);
    QVERIFY(model.at(1).live);
    model.finish(2, QStringLiteral("hello."), MessageState::stopped, {}, std::nullopt);
    QVERIFY(!model.at(1).live);
    QCOMPARE(model.at(1).row.text, std::string("hello."));
    QCOMPARE(model.at(1).row.state, MessageState::stopped);
  }

  void aSecondAnswerKeepsTheFirst() {
    TranscriptModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    model.setTree({row(1, 0, Role::user, "q"), row(2, 1, Role::assistant, "a")}, 2);
    model.add(row(3, 1, Role::assistant, "b"));
    QCOMPARE(model.rowCount(), 2);
    QCOMPARE(model.at(1).row.id, MessageId{3});
    QCOMPARE(model.at(1).siblings, 2);
  }

  void aCircleInTheTreeEnds() {
    TranscriptModel model;
    model.setTree({row(1, 2, Role::user, "a"), row(2, 1, Role::assistant, "b")}, 2);
    QVERIFY(model.rowCount() <= 2);
    QCOMPARE(model.leafBelow(1), MessageId{2});
  }
};

UI_TEST(ChatModelsTest)
#include "chat_models_test.moc"
