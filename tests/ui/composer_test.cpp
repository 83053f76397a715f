// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/composer.h"

#include <QClipboard>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QSignalSpy>
#include <QtTest>

#include "tests/ui/ui_test.h"
#include "ui/theme.h"
#include "ui/views/chat/context_meter.h"

using namespace mneme;

class ComposerTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() {
    Theme::choose(Theme::Choice::light);
    m_composer = std::make_unique<Composer>();
    m_composer->resize(600, 120);
    m_composer->show();
    m_composer->setState({}, false);
  }

  void enterSendsAndShiftEnterBreaksTheLine() {
    QSignalSpy sent(m_composer.get(), &Composer::sendRequested);
    QTest::keyClicks(m_composer->edit(), QStringLiteral("one"));
    QTest::keyClick(m_composer->edit(), Qt::Key_Return, Qt::ShiftModifier);
    QTest::keyClicks(m_composer->edit(), QStringLiteral("two"));
    QCOMPARE(sent.count(), 0);
    QTest::keyClick(m_composer->edit(), Qt::Key_Return);
    QCOMPARE(sent.count(), 1);
    QCOMPARE(sent[0][0].toString(), QStringLiteral("one\ntwo"));
  }

  void ctrlEnterAndTheKeypadSendToo() {
    QSignalSpy sent(m_composer.get(), &Composer::sendRequested);
    m_composer->setText(QStringLiteral("x"));
    QTest::keyClick(m_composer->edit(), Qt::Key_Return, Qt::ControlModifier);
    QTest::keyClick(m_composer->edit(), Qt::Key_Enter, Qt::KeypadModifier);
    QCOMPARE(sent.count(), 2);
  }

  void nothingIsSentWhileBlockedOrEmpty() {
    QSignalSpy sent(m_composer.get(), &Composer::sendRequested);
    QTest::keyClick(m_composer->edit(), Qt::Key_Return);
    m_composer->setText(QStringLiteral("   \n"));
    QTest::keyClick(m_composer->edit(), Qt::Key_Return);
    m_composer->setText(QStringLiteral("x"));
    m_composer->setState(QStringLiteral("No model is open."), false);
    QTest::keyClick(m_composer->edit(), Qt::Key_Return);
    QCOMPARE(sent.count(), 0);
    QCOMPARE(m_composer->text(), QStringLiteral("x"));
  }

  void theButtonStopsWhileAnAnswerRuns() {
    QSignalSpy stopped(m_composer.get(), &Composer::stopRequested);
    auto* button = m_composer->findChild<QPushButton*>(QStringLiteral("sendButton"));
    QVERIFY(!button->isEnabled());
    m_composer->setState(QStringLiteral("An answer is being written."), true);
    QVERIFY(button->isEnabled());
    QTest::mouseClick(button, Qt::LeftButton);
    QCOMPARE(stopped.count(), 1);
  }

  void itGrowsWithItsTextUpToALimit() {
    const int one = m_composer->edit()->height();
    m_composer->setText(QStringLiteral("a\nb\nc"));
    const int three = m_composer->edit()->height();
    QVERIFY(three > one);
    m_composer->setText(QStringLiteral("x\n").repeated(100));
    QVERIFY(m_composer->edit()->height() > three);
    QVERIFY(m_composer->edit()->height() < one * 12);
    m_composer->setText({});
    QCOMPARE(m_composer->edit()->height(), one);
  }

  // A paragraph has no line breaks of its own: its lines are made by the width.
  void aPastedParagraphGrowsItAtOnce() {
    const int one = m_composer->edit()->height();
    const QString paragraph = QStringLiteral("lorem ipsum dolor sit amet, ").repeated(12);
    QGuiApplication::clipboard()->setText(paragraph);
    m_composer->edit()->paste();
    const int pasted = m_composer->edit()->height();
    QVERIFY2(pasted > 2 * one, qPrintable(QString::number(pasted)));
    m_composer->edit()->undo();
    QCOMPARE(m_composer->edit()->height(), one);
    m_composer->edit()->redo();
    QCOMPARE(m_composer->edit()->height(), pasted);
    // Beyond the limit it scrolls, with the cursor in view.
    QGuiApplication::clipboard()->setText(paragraph.repeated(60));
    m_composer->edit()->paste();
    const int most = m_composer->edit()->height();
    QVERIFY(most > pasted && most < one * 12);
    QVERIFY(m_composer->edit()->verticalScrollBar()->maximum() > 0);
    QVERIFY(m_composer->edit()->viewport()->rect().intersects(m_composer->edit()->cursorRect()));
  }

  void itFollowsItsWidthAndTheZoom() {
    m_composer->setText(QStringLiteral("lorem ipsum dolor sit amet, ").repeated(12));
    m_composer->resize(1200, 120);
    QTRY_VERIFY(m_composer->edit()->width() > 1000);
    QTest::qWait(1);
    const int wide = m_composer->edit()->height();
    m_composer->resize(600, 120);
    QTRY_VERIFY(m_composer->edit()->height() > wide);
    m_composer->resize(1200, 120);
    QTRY_COMPARE(m_composer->edit()->height(), wide);
    Theme::setZoom(1.5);
    QTRY_VERIFY(m_composer->edit()->height() > wide * 3 / 2);
    Theme::setZoom(1);
    QTRY_COMPARE(m_composer->edit()->height(), wide);
  }

  // As wide as in the inspect layout of a window of 1024 pixels.
  void theLineBelowIsReadWholeOrEndsInDots() {
    const QString line = QStringLiteral("Enter sends, Shift+Enter starts a new line");
    const auto* label = m_composer->findChild<QLabel*>(QStringLiteral("draftLine"));
    m_composer->meter()->setUse(20, 29, 0, 8192);
    m_composer->setDraftLine(line);
    const int whole = m_composer->meter()->width();
    for (const int width : {600, 476}) {
      m_composer->resize(width, 120);
      QTRY_VERIFY(label->width() >= label->sizeHint().width());
      QVERIFY(m_composer->meter()->width() == whole || width < 600);
    }
    QVERIFY(m_composer->meter()->width() < whole);
    // Where even that is not enough, dots say that there is more, and a tip has it.
    m_composer->resize(300, 120);
    QTRY_VERIFY(label->width() < label->sizeHint().width());
    QVERIFY(label->inherits("mneme::ElidedLabel"));
    QCOMPARE(label->toolTip(), line);
  }

  void editingKeepsTheDraft() {
    m_composer->setText(QStringLiteral("draft"));
    m_composer->setEditing(7, QStringLiteral("question"));
    QCOMPARE(m_composer->text(), QStringLiteral("question"));
    QCOMPARE(m_composer->editing(), qint64{7});
    QTest::keyClick(m_composer->edit(), Qt::Key_Escape);
    QCOMPARE(m_composer->editing(), qint64{0});
    QCOMPARE(m_composer->text(), QStringLiteral("draft"));
  }

 private:
  std::unique_ptr<Composer> m_composer;
};

UI_TEST(ComposerTest)
#include "composer_test.moc"
