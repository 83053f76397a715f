// SPDX-License-Identifier: Apache-2.0
// A chat of messages so long that they are laid out where they are looked at: scrolling, resizing,
// searching and selecting must not show that.
#include <QApplication>
#include <QPushButton>
#include <QScrollBar>
#include <QtTest>
#include <cmath>
#include <optional>

#include "tests/ui/shown_chat.h"
#include "tests/ui/ui_test.h"

using namespace mneme;

namespace {

// 200,000 characters whose heights are guessed badly.
QString longText() {
  QString text;
  for (int i = 0; text.size() < 200'000; ++i) {
    const QString line = QStringLiteral("Line %1. ").arg(i);
    switch (i % 5) {
      case 0:
        text += line +
                QString::fromUtf8("👩‍🚀 四大发明 WWWWWW iiiiii ").repeated(40 + i % 70);
        break;
      case 1:
        text += line + QStringLiteral("**bold** and `code` in words. ").repeated(i % 30);
        break;
      case 2:
        text += QStringLiteral("# ") + line;
        break;
      case 3:
        text += QStringLiteral("```cpp\n") + QStringLiteral("int a = 1;\n").repeated(i % 90) +
                QStringLiteral("```");
        break;
      default:
        text += line + QStringLiteral("[").repeated(3000 + 100 * (i % 70));
    }
    text += QStringLiteral("\n\n");
  }
  return text;
}

}  // namespace

class LongChatTest : public ShownChat {
  Q_OBJECT

 private Q_SLOTS:
  void init() { showChat(); }
  void cleanup() { closeChat(); }

  void ofALongMessageWhatIsShownIsLaidOut() {
    const QString text = longText();
    const int before = MessageLayout::charactersLaidOut();
    const auto laidOut = [&] { return MessageLayout::charactersLaidOut() - before; };
    m_model.setTree({message(1, 0, Role::user, text), message(2, 1, Role::assistant, text)}, 2);
    m_view->grab();
    QScrollBar* bar = m_view->verticalScrollBar();
    QCOMPARE(bar->value(), bar->maximum());
    QVERIFY(laidOut() > 500);
    QVERIFY2(laidOut() < 30'000, qPrintable(QString::number(laidOut())));
    QTest::keyClick(m_view.get(), Qt::Key_Home);
    m_view->grab();
    QCOMPARE(bar->value(), 0);
    QVERIFY(shownPositions(0).from == 0);
    QTest::keyClick(m_view.get(), Qt::Key_End);
    m_view->grab();
    QCOMPARE(bar->value(), bar->maximum());
    QCOMPARE(shownPositions(1).to, static_cast<int>(m_view->messageItem(1).shownText().size()));
    for (const int width : {500, 800, 700}) {
      m_view->resize(width, 500);
      m_view->grab();
      QCOMPARE(bar->value(), bar->maximum());
    }
    QVERIFY2(laidOut() < 150'000, qPrintable(QString::number(laidOut())));
  }

  // Whatever the heights above and below turn out to be, text moves as far as it was scrolled.
  void readingALongMessageScrollsEvenly() {
    m_model.setTree(
        {message(1, 0, Role::user, longText()), message(2, 1, Role::assistant, longText()),
         message(3, 2, Role::user, QStringLiteral("a short one")),
         message(4, 3, Role::assistant, longText())},
        4);
    m_view->grab();
    QScrollBar* bar = m_view->verticalScrollBar();
    const int height = m_view->viewport()->height();
    const int width = m_view->viewport()->width();
    constexpr int kStep = 120;
    int moved = 0;
    const auto scroll = [&](int by) {
      const QImage before = m_view->viewport()->grab().toImage();
      const int value = bar->value();
      bar->setValue(value + by);
      const QImage after = m_view->viewport()->grab().toImage();
      if (bar->value() != value + by) ++moved;
      // Of a line beyond an edge nothing is painted, also where its characters are higher than it.
      constexpr int kEdge = 6;
      const int common = height - kStep - 2 * kEdge;
      QCOMPARE(after.copy(0, by < 0 ? kStep + kEdge : kEdge, width, common),
               before.copy(0, by < 0 ? kEdge : kStep + kEdge, width, common));
    };
    for (int i = 0; i < 200; ++i) scroll(-kStep);
    for (const int part : {2, 3, 5}) {
      bar->setValue(bar->maximum() / part);  // never shown before
      for (int i = 0; i < 60; ++i) scroll(i % 20 < 10 ? kStep : -kStep);
      for (int i = 0; i < 60; ++i) scroll(-kStep);
    }
    // Up to what was laid out before.
    bar->setValue(bar->maximum() / 7);
    m_view->grab();
    bar->setValue(bar->value() + 4000);
    for (int i = 0; i < 60; ++i) scroll(-kStep);
    QVERIFY(moved > 10);  // heights were wrong, else this tests nothing
    // The end that was shown is where it was.
    QTest::keyClick(m_view.get(), Qt::Key_End);
    QCOMPARE(bar->value(), bar->maximum());
  }

  void aResizedWindowShowsTheSamePlace() {
    m_model.setTree(
        {message(1, 0, Role::user, longText()), message(2, 1, Role::assistant, longText())}, 2);
    m_view->grab();
    QScrollBar* bar = m_view->verticalScrollBar();
    for (const int part : {2, 4, 8}) {
      bar->setValue(bar->maximum() / part);
      m_view->grab();
      const int row = m_view->messageRect(1).top() <= 0 ? 1 : 0;
      const auto first = firstPosition(row);
      QVERIFY(first);
      const auto place = [&] {
        return bodyTop(row) + m_view->messageItem(row).body().cursorRect(*first).top();
      };
      const qreal before = place();
      const int laidOut = MessageLayout::charactersLaidOut();
      for (int width = 700; width > 500; width -= 10) m_view->resize(width, 500);
      m_view->grab();
      QVERIFY2(std::abs(place() - before) <= 1, qPrintable(QString::number(place() - before)));
      Theme::setZoom(1.25);
      m_view->grab();
      QVERIFY2(std::abs(place() - before) <= 1, qPrintable(QString::number(place() - before)));
      Theme::setZoom(1);
      for (int width = 500; width <= 700; width += 10) m_view->resize(width, 500);
      m_view->grab();
      QVERIFY2(std::abs(place() - before) <= 1, qPrintable(QString::number(place() - before)));
      const int cost = MessageLayout::charactersLaidOut() - laidOut;
      QVERIFY2(cost < 42 * 20'000, qPrintable(QString::number(cost)));
    }
  }

  void whatIsFoundInALongMessageComesIntoView() {
    QString text = longText();
    text.insert(text.size() * 6 / 10, QStringLiteral(" needle in it "));
    m_model.setTree({message(1, 0, Role::user, longText()), message(2, 1, Role::assistant, text),
                     message(3, 2, Role::user, longText())},
                    3);
    m_view->grab();
    const int before = MessageLayout::charactersLaidOut();
    m_view->setFound(QStringLiteral("NEEDLE"));
    m_view->scrollToFound(2);
    m_view->grab();
    QCOMPARE(m_view->foundIn(1).size(), std::size_t{1});
    const auto rects = m_view->messageItem(1).rectsOf(m_view->foundIn(1).front());
    QCOMPARE(rects.size(), std::size_t{1});
    const QRect word = rects[0].toRect().translated(m_view->messageRect(1).topLeft());
    QVERIFY(m_view->viewport()->rect().contains(word));
    const QImage with = m_view->viewport()->grab().toImage();
    m_view->setFound({});
    QVERIFY(m_view->viewport()->grab().toImage().copy(word) != with.copy(word));
    const int cost = MessageLayout::charactersLaidOut() - before;
    QVERIFY2(cost < 60'000, qPrintable(QString::number(cost)));
  }

  void whatWasNeverShownIsSelectedToo() {
    const QString text = longText();
    m_model.setTree({message(1, 0, Role::user, text), message(2, 1, Role::assistant, text),
                     message(3, 2, Role::user, QStringLiteral("the end"))},
                    3);
    m_view->grab();
    const int before = MessageLayout::charactersLaidOut();
    m_view->selectAll();
    MessageLayout whole;
    whole.setMarkdown(text, false);
    QCOMPARE(m_view->selectedText(),
             text + QStringLiteral("\n\n") + whole.text() + QStringLiteral("\n\nthe end"));
    QCOMPARE(MessageLayout::charactersLaidOut(), before);
  }

  // A token costs its line, in a long answer as well, whose other parts were never laid out.
  void aLongAnswerGrowsAtItsEndOnly() {
    QString text = longText();
    m_model.setTree(
        {message(1, 0, Role::user, QStringLiteral("q")), message(2, 1, Role::assistant, {})}, 2);
    m_model.setStreaming(2, text, AnswerLive{});
    m_view->grab();
    m_view->resize(650, 500);
    m_view->grab();
    QScrollBar* bar = m_view->verticalScrollBar();
    const int before = MessageLayout::charactersLaidOut();
    constexpr int kWords = 200;
    for (int i = 0; i < kWords; ++i) {
      text += QStringLiteral("word ");
      m_model.setStreaming(2, text, AnswerLive{});
      QCOMPARE(bar->value(), bar->maximum());
      m_view->grab();
      QCOMPARE(bar->value(), bar->maximum());
    }
    QVERIFY(m_view->following());
    const int each = (MessageLayout::charactersLaidOut() - before) / kWords;
    QVERIFY2(each < 700, qPrintable(QString::number(each)));

    // The reader looks at the middle meanwhile.
    bar->setValue(bar->maximum() / 2);
    const QImage image = m_view->viewport()->grab().toImage();
    const int value = bar->value();
    for (int i = 0; i < 20; ++i) {
      text += QStringLiteral("word ").repeated(50);
      m_model.setStreaming(2, text, AnswerLive{});
      m_view->grab();
    }
    QCOMPARE(bar->value(), value);
    auto* below = m_view->findChild<QPushButton*>(QStringLiteral("newTextBelow"));
    QVERIFY(below->isVisible());
    const QRect above(0, 0, image.width(), below->y() - 2);
    QCOMPARE(m_view->viewport()->grab().toImage().copy(above), image.copy(above));
  }

  void pictures() {
    const QString folder = qEnvironmentVariable("MNEME_PICTURES");
    if (folder.isEmpty()) QSKIP("no folder for pictures");
    m_view->resize(900, 700);
    m_model.setTree(
        {message(1, 0, Role::user, longText()), message(2, 1, Role::assistant, longText()),
         message(3, 2, Role::user, QStringLiteral("a short one"))},
        3);
    m_view->grab();
    m_view->setFound(QStringLiteral("words"));
    QScrollBar* bar = m_view->verticalScrollBar();
    for (const auto choice : {Theme::Choice::light, Theme::Choice::dark}) {
      Theme::choose(choice);
      for (const int eighths : {8, 3, 1, 0}) {
        bar->setValue(bar->maximum() * eighths / 8);
        const auto name =
            QStringLiteral("/long_chat_%1_%2.png")
                .arg(choice == Theme::Choice::dark ? QLatin1String("dark") : QLatin1String("light"))
                .arg(eighths);
        QVERIFY(m_view->grab().save(folder + name));
      }
    }
    m_view->setFound({});
  }

 private:
  // The characters of a message that are on screen, in whole pieces; those of its first line.
  MessageLayout::Range shownPositions(int row) const {
    const qreal top = -bodyTop(row);
    return m_view->messageItem(row).body().charactersIn(top, top + m_view->viewport()->height());
  }
  std::optional<int> firstPosition(int row) const {
    const qreal top = -bodyTop(row);
    return m_view->messageItem(row).body().firstPosition(top, top + m_view->viewport()->height());
  }
  qreal bodyTop(int row) const {
    return m_view->messageRect(row).top() + m_view->messageItem(row).bodyRect().top();
  }
};

UI_TEST(LongChatTest)
#include "long_chat_test.moc"
