// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/chat_view.h"

#include <QAccessible>
#include <QApplication>
#include <QClipboard>
#include <QElapsedTimer>
#include <QPushButton>
#include <QScrollBar>
#include <QSignalSpy>
#include <QUrl>
#include <QtTest>

#include "tests/ui/shown_chat.h"
#include "tests/ui/synthetic_trace.h"
#include "tests/ui/ui_test.h"
#include "ui/theme.h"

using namespace mneme;

namespace {

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

class ChatViewTest : public ShownChat {
  Q_OBJECT

 private Q_SLOTS:
  void init() { showChat(); }
  void cleanup() { closeChat(); }

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

  void gateInkKeepsTheTextAndSaysOnceWhyItIsMissing() {
    m_model.setTree({message(1, 0, Role::user, QStringLiteral("q")),
                     message(2, 1, Role::assistant, QStringLiteral("a **b**"))},
                    2);
    m_view->grab();
    QCOMPARE(m_view->messageItem(1).shownText(), QStringLiteral("a b"));
    const int height = m_view->messageRect(1).height();
    QSignalSpy note(m_view.get(), &ChatView::inkNoteChanged);
    m_view->setInk(true);
    m_view->grab();
    QCOMPARE(m_view->messageItem(1).shownText(), QStringLiteral("a b"));
    QCOMPARE(m_view->messageRect(1).height(), height);
    QCOMPARE(note.count(), 1);
    QVERIFY(note[0][0].toString().contains(QStringLiteral("No trace")));
    m_view->setInk(false);
    m_view->grab();
    QCOMPARE(note.count(), 2);
    QCOMPARE(note[1][0].toString(), QString());
  }

  // Whatever changes the ink or the layout below it, the words stay on screen.
  void textStaysOnScreenUnderInk() {
    test::Chat chat = test::storyChat();
    m_view->setInk(true);  // as remembered from the last start: before there are records
    showStory(chat);
    const int before = darkPixels();
    QVERIFY(before > 1500);
    m_branch.reset(chat.log, chat.parts);
    m_source.setModel(chat.model());
    QVERIFY2(darkPixels() > before * 3 / 4, "after the records came");
    const int inked = darkPixels();
    for (const auto measure : {InkText::Measure::write, InkText::Measure::tier,
                               InkText::Measure::probability, InkText::Measure::gate}) {
      m_view->setMeasure(measure);
      QVERIFY2(darkPixels() > before * 3 / 4, "another measure");
    }
    QCOMPARE(darkPixels(), inked);
    Q_EMIT m_branch.recordsChanged();
    QCOMPARE(darkPixels(), inked);
    m_view->resize(560, 500);
    QVERIFY2(darkPixels() > before / 2, "narrower");
    m_view->resize(700, 500);
    QCOMPARE(darkPixels(), inked);
    Theme::setZoom(1.25);
    QVERIFY2(darkPixels() > before, "larger");
    Theme::setZoom(1);
    QCOMPARE(darkPixels(), inked);
    Theme::choose(Theme::Choice::dark);
    m_view->grab();
    Theme::choose(Theme::Choice::light);
    QCOMPARE(darkPixels(), inked);

    // Retry: another answer in its place, which streams.
    const auto part = chat.message(3, TokenSource::assistant, test::kAnswer);
    MessageRow again = message(3, 1, Role::assistant, {});
    m_model.add(again);
    m_branch.reset(chat.log, {chat.parts[0], part});
    QString text;
    for (EventIndex event = part.first + 1; event + 1 < part.end; ++event) {
      text += QString::fromStdString(m_source.model()->tokenBytes(chat.log->record(event).token()));
      m_model.setEvents(3, part.first, event + 1);
      m_model.setStreaming(3, text, {});
      m_view->viewport()->grab();
    }
    m_model.finish(3, text, MessageState::complete, {}, std::nullopt);
    QVERIFY2(darkPixels() > before * 3 / 4, "after retry");
    // What was painted bit by bit is what is painted at once.
    const QImage bits = m_view->viewport()->grab().toImage();
    Q_EMIT m_branch.recordsChanged();
    QCOMPARE(m_view->viewport()->grab().toImage(), bits);

    // Scrolled away and back.
    m_view->resize(700, 160);
    m_view->verticalScrollBar()->setValue(0);
    const QImage top = m_view->viewport()->grab().toImage();
    m_view->verticalScrollBar()->setValue(m_view->verticalScrollBar()->maximum());
    m_view->viewport()->grab();
    m_view->verticalScrollBar()->setValue(0);
    QCOMPARE(m_view->viewport()->grab().toImage(), top);
  }

  void whatWasSearchedForIsMarkedOnInkToo() {
    const test::Chat chat = test::storyChat();
    showStory(chat);
    m_branch.reset(chat.log, chat.parts);
    m_source.setModel(chat.model());
    for (const bool ink : {false, true}) {
      m_view->setInk(ink);
      m_view->setFound({});
      const QImage without = m_view->viewport()->grab().toImage();
      m_view->setFound(QStringLiteral("HORSE"));
      QCOMPARE(m_view->foundIn(0).size(), std::size_t{1});
      const QImage with = m_view->viewport()->grab().toImage();
      const QRect word = m_view->messageRect(0);
      QVERIFY2(with.copy(word) != without.copy(word), ink ? "ink" : "no ink");
    }
  }

  void inkedTextIsSelectedByDraggingAndPickedByAClick() {
    test::Chat chat = test::storyChat();
    showStory(chat);
    m_branch.reset(chat.log, chat.parts);
    m_source.setModel(chat.model());
    m_view->setInk(true);
    m_view->grab();
    const EventIndex event = chat.parts[1].first + 3;
    const auto rects = m_view->messageItem(1).rectsOf(event);
    QVERIFY(!rects.empty());
    const QPoint at = m_view->messageRect(1).topLeft() + rects[0].center().toPoint();
    QTest::mouseClick(m_view->viewport(), Qt::LeftButton, {}, at);
    QCOMPARE(m_selection.pinned(), std::optional(event));
    QVERIFY(m_view->selectedText().isEmpty());

    // A mouse at rest hides nothing that keys pick.
    m_selection.hover(event);
    QTest::keyClick(m_view.get(), Qt::Key_Right);
    QCOMPARE(m_selection.pinned(), std::optional(event + 1));
    QCOMPARE(m_selection.shown(), std::optional(event + 1));
    QTest::keyClick(m_view.get(), Qt::Key_Escape);
    QVERIFY(!m_selection.shown());

    QTest::mousePress(m_view->viewport(), Qt::LeftButton, {}, at);
    QMouseEvent move(QEvent::MouseMove, at + QPoint(120, 0),
                     m_view->viewport()->mapToGlobal(at + QPoint(120, 0)), Qt::NoButton,
                     Qt::LeftButton, {});
    QApplication::sendEvent(m_view->viewport(), &move);
    QTest::mouseRelease(m_view->viewport(), Qt::LeftButton, {}, at + QPoint(120, 0));
    QVERIFY(m_view->selectedText().size() > 8);
    QVERIFY(QString::fromUtf8(test::kAnswer).contains(m_view->selectedText()));
    QVERIFY(!m_selection.pinned());
  }

  // Selecting and copying code read all messages; heights are still those of what is laid out.
  void messagesStandBelowEachOtherAfterSelectingAll() {
    m_model.setTree(longChat(60), 120);
    m_view->grab();
    m_view->selectAll();
    m_view->copyLastCodeBlock();
    QScrollBar* bar = m_view->verticalScrollBar();
    for (int i = 0; bar->value() > 0 && i < 1000; ++i) {
      bar->setValue(bar->value() - 300);
      m_view->grab();
    }
    for (int row = 0; row < m_view->messageCount(); ++row) {
      const MessageItem& item = m_view->messageItem(row);
      const QRect rect = m_view->messageRect(row);
      QVERIFY2(item.bodyRect().bottom() < rect.height(), qPrintable(QString::number(row)));
      QVERIFY2(rect.height() < item.bodyRect().bottom() + 60, qPrintable(QString::number(row)));
    }
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
  void showStory(const test::Chat& chat) {
    MessageRow question = message(1, 0, Role::user, QString::fromUtf8(test::kQuestion));
    MessageRow answer = message(2, 1, Role::assistant, QString::fromUtf8(test::kAnswer));
    question.first_event = chat.parts[0].first;
    question.end_event = chat.parts[0].end;
    answer.first_event = chat.parts[1].first;
    answer.end_event = chat.parts[1].end;
    m_model.setTree({question, answer}, 2);
  }

  int darkPixels() {
    const QImage image = m_view->viewport()->grab().toImage().convertToFormat(QImage::Format_RGB32);
    int dark = 0;
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < image.width(); ++x) dark += qGray(image.pixel(x, y)) < 70 ? 1 : 0;
    }
    return dark;
  }
};

UI_TEST(ChatViewTest)
#include "chat_view_test.moc"
