// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat_view.h"

#include <QAccessible>
#include <QApplication>
#include <QClipboard>
#include <QElapsedTimer>
#include <QPushButton>
#include <QScrollBar>
#include <QSignalSpy>
#include <QUrl>
#include <QtTest>

#include "tests/ui/ui_test.h"
#include "ui/theme.h"

using namespace mneme;

namespace {

MessageRow message(MessageId id, MessageId parent, Role role, const QString& text) {
  MessageRow row;
  row.id = id;
  row.parent = parent;
  row.role = role;
  row.text = text.toStdString();
  return row;
}

std::vector<MessageRow> longChat(int turns) {
  std::vector<MessageRow> rows;
  MessageId id = 0;
  for (int i = 0; i < turns; ++i) {
    rows.push_back(message(id + 1, id, Role::user, QStringLiteral("Question %1").arg(i)));
    rows.push_back(message(
        id + 2, id + 1, Role::assistant,
        QStringLiteral("Answer %1 with **some** words in it.\n\n").arg(i).repeated(i % 7 + 1)));
    id += 2;
  }
  return rows;
}

}  // namespace

class ChatViewTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() {
    Theme::choose(Theme::Choice::light);
    m_view = std::make_unique<ChatView>(m_model, m_selection,
                                        MessageItem::Inspection{m_branch, m_selection, m_source});
    m_view->resize(700, 500);
    m_view->show();
    QVERIFY(QTest::qWaitForWindowExposed(m_view.get()));
  }
  void cleanup() {
    m_view.reset();
    m_model.clear();
  }

  void followsAGrowingAnswerAndLetsGo() {
    auto rows = longChat(20);
    const MessageId last = rows.back().id;
    m_model.setTree(rows, last);
    m_model.add(message(last + 1, last, Role::user, QStringLiteral("next")));
    m_model.add(message(last + 2, last + 1, Role::assistant, {}));
    QScrollBar* bar = m_view->verticalScrollBar();
    QString text;
    const auto stream = [&] {
      for (int i = 0; i < 30; ++i) {
        text += QStringLiteral("more words of the answer, line %1\n\n").arg(i);
        m_model.setStreaming(last + 2, text, {});
      }
      m_view->grab();
    };
    stream();
    QCOMPARE(bar->value(), bar->maximum());
    QVERIFY(m_view->following());

    bar->triggerAction(QAbstractSlider::SliderPageStepSub);
    QVERIFY(!m_view->following());
    const int place = bar->value();
    stream();
    QCOMPARE(bar->value(), place);
    auto* below = m_view->findChild<QPushButton*>(QStringLiteral("newTextBelow"));
    QVERIFY(below->isVisible());
    QTest::mouseClick(below, Qt::LeftButton);
    QCOMPARE(bar->value(), bar->maximum());
    QVERIFY(!below->isVisible());

    // Within 40 pixels of the end it holds on.
    bar->setValue(bar->maximum() - 30);
    stream();
    QCOMPARE(bar->value(), bar->maximum());
  }

  void copiesCodeAndSaysSo() {
    m_model.setTree(
        {message(1, 0, Role::user, QStringLiteral("q")),
         message(2, 1, Role::assistant, QStringLiteral("Look:\n```python\nprint(1)\n```\n"))},
        2);
    m_view->grab();
    QSignalSpy copied(m_view.get(), &ChatView::copied);
    QTest::mouseClick(m_view->viewport(), Qt::LeftButton, {}, m_view->codeCopyPoint(1));
    QCOMPARE(QApplication::clipboard()->text(), QStringLiteral("print(1)"));
    QCOMPARE(copied.count(), 1);
    m_view->copyMessage(2);
    QCOMPARE(QApplication::clipboard()->text(),
             QStringLiteral("Look:\n```python\nprint(1)\n```\n"));
  }

  void actionsAskForTheirMessage() {
    auto rows = longChat(1);
    rows.push_back(message(3, 1, Role::assistant, QStringLiteral("other")));
    m_model.setTree(rows, 2);
    m_view->grab();
    QSignalSpy asked(m_view.get(), &ChatView::actionRequested);
    for (const auto action : {MessageAction::retry, MessageAction::edit, MessageAction::next}) {
      QTest::mouseClick(m_view->viewport(), Qt::LeftButton, {}, m_view->actionPoint(1, action));
    }
    QCOMPARE(asked.count(), 3);
    QCOMPARE(asked[0][0].toLongLong(), 2);
    QCOMPARE(asked[2][1].value<MessageAction>(), MessageAction::next);
  }

  void selectsAcrossMessages() {
    m_model.setTree({message(1, 0, Role::user, QStringLiteral("first one")),
                     message(2, 1, Role::assistant, QStringLiteral("second **two**"))},
                    2);
    m_view->grab();
    m_view->selectAll();
    QCOMPARE(m_view->selectedText(), QStringLiteral("first one\n\nsecond two"));
    QTest::keyClick(m_view.get(), Qt::Key_C, Qt::ControlModifier);
    QCOMPARE(QApplication::clipboard()->text(), QStringLiteral("first one\n\nsecond two"));
  }

  void linksAreReportedNotOpened() {
    m_model.setTree(
        {message(1, 0, Role::user, QStringLiteral("q")),
         message(2, 1, Role::assistant, QStringLiteral("[abcdef](https://example.org/x)"))},
        2);
    m_view->grab();
    QSignalSpy asked(m_view.get(), &ChatView::linkRequested);
    const QRect row = m_view->messageRect(1);
    const QPoint at =
        row.topLeft() + m_view->messageItem(1).bodyRect().topLeft().toPoint() + QPoint(12, 8);
    QTest::mouseClick(m_view->viewport(), Qt::LeftButton, {}, at);
    QCOMPARE(asked.count(), 1);
    QCOMPARE(asked[0][0].toUrl(), QUrl(QStringLiteral("https://example.org/x")));
  }

  void gateInkShowsTheSourceAndSaysWhyItIsEmpty() {
    m_model.setTree({message(1, 0, Role::user, QStringLiteral("q")),
                     message(2, 1, Role::assistant, QStringLiteral("a **b**"))},
                    2);
    m_view->grab();
    QCOMPARE(m_view->messageItem(1).shownText(), QStringLiteral("a b"));
    m_view->setInk(true);
    m_view->grab();
    QCOMPARE(m_view->messageItem(1).shownText(), QStringLiteral("a **b**"));
    m_view->setInk(false);
    m_view->grab();
    QCOMPARE(m_view->messageItem(1).shownText(), QStringLiteral("a b"));
  }

  void keysReachEveryMessage() {
    m_model.setTree(longChat(3), 6);
    m_view->grab();
    m_view->moveCurrent(-1);
    m_view->setFocus();
    m_view->moveCurrent(-1);
    if (!m_view->hasFocus()) QSKIP("the platform gives no focus");
    QVERIFY(m_view->target() != nullptr);
    QCOMPARE(m_view->target()->row.id, MessageId{5});
    QCOMPARE(m_view->target(Role::assistant)->row.id, MessageId{6});
  }

  void screenReadersFindEveryMessage() {
    m_model.setTree(longChat(2), 4);
    QAccessibleInterface* list = QAccessible::queryAccessibleInterface(m_view.get());
    QVERIFY(list != nullptr);
    QCOMPARE(list->role(), QAccessible::List);
    QCOMPARE(list->text(QAccessible::Name), QStringLiteral("Messages"));
    QCOMPARE(list->childCount(), 4);
    QCOMPARE(list->child(2)->text(QAccessible::Name), QStringLiteral("You: Question 1"));
    QVERIFY(list->child(3)->text(QAccessible::Name).startsWith(QStringLiteral("Answer: Answer 1")));
    QCOMPARE(list->indexOfChild(list->child(1)), 1);
    QCOMPARE(list->child(0)->parent(), list);
    m_model.clear();
    QCOMPARE(list->childCount(), 0);
    QVERIFY(list->child(0) == nullptr);
  }

  void anUpdateOfALongChatFitsAFrame() {
    auto rows = longChat(2500);
    const MessageId last = rows.back().id;
    m_model.setTree(rows, last);
    m_model.add(message(last + 1, last, Role::user, QStringLiteral("next")));
    m_model.add(message(last + 2, last + 1, Role::assistant, {}));
    QString text;
    for (int i = 0; i < 40; ++i)
      text += QStringLiteral("A paragraph of the answer, with `code` and **bold** words.\n\n");
    m_model.setStreaming(last + 2, text, {});
    m_view->grab();
    QPixmap canvas(m_view->viewport()->size());
    QElapsedTimer clock;
    clock.start();
    constexpr int kUpdates = 60;
    for (int i = 0; i < kUpdates; ++i) {
      text += QStringLiteral("more of it ");
      m_model.setStreaming(last + 2, text, {});
      m_view->viewport()->render(&canvas);
    }
    const double each = static_cast<double>(clock.elapsed()) / kUpdates;
    qInfo("%.2f ms an update", each);
#ifdef NDEBUG  // sanitizers have their own pace
    QVERIFY2(each < 33, qPrintable(QString::number(each)));
#endif
  }

  void longChatsOpenAndScrollFast() {
    QElapsedTimer clock;
    clock.start();
    m_model.setTree(longChat(5000), 10000);
    m_view->grab();
    QVERIFY(m_view->verticalScrollBar()->value() == m_view->verticalScrollBar()->maximum());
    m_view->verticalScrollBar()->setValue(m_view->verticalScrollBar()->maximum() / 2);
    m_view->grab();
    m_view->verticalScrollBar()->setValue(0);
    m_view->grab();
    QVERIFY2(clock.elapsed() < 10000, qPrintable(QString::number(clock.elapsed())));
  }

 private:
  TranscriptModel m_model;
  BranchTrace m_branch;
  Selection m_selection;
  InspectSource m_source;
  std::unique_ptr<ChatView> m_view;
};

UI_TEST(ChatViewTest)
#include "chat_view_test.moc"
