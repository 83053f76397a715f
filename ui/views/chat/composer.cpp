// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/composer.h"

#include <QAbstractTextDocumentLayout>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QTextBlock>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "ui/plain_text.h"
#include "ui/theme.h"
#include "ui/views/chat/context_meter.h"
#include "ui/views/window/elided_label.h"

namespace mneme {
namespace {

constexpr int kComposerLinesMax = 9;
constexpr int kGap = 12;

}  // namespace

Composer::Composer(QWidget* parent) : QFrame(parent) {
  setObjectName(QStringLiteral("composer"));
  m_edit = new QPlainTextEdit(this);
  m_edit->setObjectName(QStringLiteral("composerEdit"));
  m_edit->setAccessibleName(tr("Message"));
  m_edit->setAccessibleDescription(tr("Enter sends, Shift+Enter starts a new line"));
  m_edit->setPlaceholderText(tr("Write a message"));
  m_edit->setTabChangesFocus(true);
  m_edit->setVerticalScrollBarPolicy(Qt::ScrollBarAsNeeded);
  m_edit->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  m_edit->setFrameShape(QFrame::NoFrame);
  m_edit->setStyleSheet(
      QStringLiteral("QPlainTextEdit, QPlainTextEdit:focus { background: transparent; border: "
                     "none; padding: 0; }"));
  m_edit->document()->setDocumentMargin(2);
  m_edit->installEventFilter(this);

  m_draft = new ElidedLabel(this);
  m_draft->setObjectName(QStringLiteral("draftLine"));
  m_draft->setProperty("kind", QStringLiteral("muted"));
  m_draft->setTextFormat(Qt::PlainText);
  m_meter = new ContextMeter(this);
  m_button = new QPushButton(tr("Send"), this);
  m_button->setObjectName(QStringLiteral("sendButton"));
  m_button->setProperty("kind", QStringLiteral("primary"));

  m_editBar = new QFrame(this);
  auto* editRow = new QHBoxLayout(m_editBar);
  editRow->setContentsMargins(0, 0, 0, 0);
  m_editLabel = new QLabel(m_editBar);
  m_editLabel->setProperty("kind", QStringLiteral("warning"));
  m_editLabel->setWordWrap(true);
  auto* cancel = new QPushButton(tr("Cancel"), m_editBar);
  cancel->setProperty("kind", QStringLiteral("quiet"));
  cancel->setAccessibleName(tr("Cancel editing"));
  editRow->addWidget(m_editLabel, 1);
  editRow->addWidget(cancel);
  m_editBar->hide();

  auto* bottom = new QHBoxLayout;
  bottom->setSpacing(kGap);
  bottom->addWidget(m_draft, 1);
  bottom->addWidget(m_meter);
  bottom->addWidget(m_button);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(13, 10, 11, 10);
  layout->setSpacing(7);
  layout->addWidget(m_editBar);
  layout->addWidget(m_edit);
  layout->addLayout(bottom);
  setTabOrder(m_edit, m_button);
  setFocusProxy(m_edit);

  // Lines also come and go without a change of the text: in another width, in another font.
  connect(m_edit->document()->documentLayout(), &QAbstractTextDocumentLayout::documentSizeChanged,
          this, &Composer::grow);
  connect(m_edit, &QPlainTextEdit::textChanged, this, [this] {
    grow();
    updateButton();
    Q_EMIT draftChanged();
  });
  connect(m_button, &QPushButton::clicked, this, [this] {
    if (m_answering) {
      Q_EMIT stopRequested();
    } else {
      send();
    }
  });
  connect(cancel, &QPushButton::clicked, this, &Composer::cancelEditing);
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, [this] {
    m_edit->setFont(Theme::current().uiFont(1.08));
    m_draft->setFont(Theme::current().uiFont(0.92));
    fitLine();
    grow();
    update();
  });
  m_edit->setFont(Theme::current().uiFont(1.08));
  m_draft->setFont(Theme::current().uiFont(0.92));
  setEditsAnswer(false);
}

void Composer::setEditsAnswer(bool answer) {
  m_editsAnswer = answer;
  m_editLabel->setText(
      answer ? tr("Editing an answer: the model takes the new text for its own from then on. The "
                  "old one is kept as another version.")
             : tr("Editing a question: sending makes a new version of it, with a new answer. The "
                  "old one is kept."));
  updateButton();
}

QString Composer::text() const {
  return m_edit->toPlainText();
}

void Composer::setText(const QString& text) {
  m_edit->setPlainText(text);
  m_edit->moveCursor(QTextCursor::End);
}

void Composer::setState(const QString& blockedReason, bool answering) {
  m_blocked = blockedReason;
  m_answering = answering;
  updateButton();
}

void Composer::updateButton() {
  m_button->setText(m_answering ? tr("Stop") : m_editsAnswer ? tr("Keep") : tr("Send"));
  m_button->setAccessibleName(m_answering     ? tr("Stop the answer")
                              : m_editsAnswer ? tr("Keep the new text of the answer")
                                              : tr("Send the message"));
  m_button->setEnabled(m_answering || (m_blocked.isEmpty() && !text().trimmed().isEmpty()));
  m_button->setToolTip(m_answering           ? tr("Stop the answer (Esc)")
                       : m_blocked.isEmpty() ? tr("Send (Enter)")
                                             : m_blocked);
}

void Composer::setDraftLine(const QString& text) {
  m_draft->setText(text);
  m_draft->setToolTip(boundedText(text));
  fitLine();
}

// The line is to be read whole: the meter's bar gives way to it.
void Composer::fitLine() {
  const QMargins margins = layout()->contentsMargins();
  const int room = width() - margins.left() - margins.right() - m_button->sizeHint().width() -
                   m_meter->wholeSize().width() - 2 * kGap;
  m_meter->setShort(m_draft->sizeHint().width() > room);
}

void Composer::resizeEvent(QResizeEvent* event) {
  QFrame::resizeEvent(event);
  fitLine();
}

void Composer::setEditing(qint64 message, const QString& text) {
  if (message != 0 && m_editing == 0) m_kept = this->text();
  const bool ended = message == 0 && m_editing != 0;
  m_editing = message;
  m_editBar->setVisible(message != 0);
  if (message != 0) {
    setText(text);
    m_edit->setFocus();
  } else if (ended) {
    setText(m_kept);
    m_kept.clear();
  }
}

void Composer::cancelEditing() {
  if (m_sending) return;
  setEditing(0, {});
  Q_EMIT editCancelled();
}

Draft Composer::draft() const {
  if (m_editing == 0) return {.text = text()};
  return {.text = m_kept, .editing = m_editing, .edited = text()};
}

void Composer::setDraft(const Draft& draft) {
  if (draft == this->draft()) return;
  setEditing(0, {});
  setText(draft.text);
  if (draft.editing != 0) setEditing(draft.editing, draft.edited);
}

void Composer::setSending(bool sending) {
  m_sending = sending;
  m_edit->setReadOnly(sending);
}

void Composer::send() {
  const QString message = text().trimmed();
  if (m_sending || m_answering || !m_blocked.isEmpty() || message.isEmpty()) return;
  Q_EMIT sendRequested(message);
}

bool Composer::eventFilter(QObject* watched, QEvent* event) {
  if (watched == m_edit && event->type() == QEvent::KeyPress) {
    auto* key = static_cast<QKeyEvent*>(event);
    const bool enter = key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter;
    if (enter && (key->modifiers() & ~Qt::KeypadModifier) == Qt::NoModifier) {
      send();
      return true;
    }
    if (enter && (key->modifiers() & Qt::ControlModifier) != 0) {
      send();
      return true;
    }
    if (key->key() == Qt::Key_Escape && m_editing != 0) {
      cancelEditing();
      return true;
    }
  }
  if (watched == m_edit && event->type() == QEvent::Resize) {
    // After the editor has taken its new width.
    QMetaObject::invokeMethod(this, &Composer::grow, Qt::QueuedConnection);
  }
  if (watched == m_edit && (event->type() == QEvent::FocusIn || event->type() == QEvent::FocusOut))
    update();
  return QFrame::eventFilter(watched, event);
}

void Composer::showEvent(QShowEvent* event) {
  QFrame::showEvent(event);
  grow();
}

// As high as the text, from one line to nine; beyond that it scrolls. The editor lays its
// paragraphs out when it paints them; asking for their height does it now, so that a paste counts
// at once.
void Composer::grow() {
  if (m_growing) return;  // that layout tells of new sizes
  m_growing = true;
  QAbstractTextDocumentLayout* layout = m_edit->document()->documentLayout();
  const qreal line = std::ceil(QFontMetricsF(m_edit->font()).lineSpacing());
  qreal height = 0;
  for (QTextBlock block = m_edit->document()->begin();
       block.isValid() && height < kComposerLinesMax * line; block = block.next()) {
    height += std::max(layout->blockBoundingRect(block).height(), line);
  }
  m_edit->setFixedHeight(static_cast<int>(std::ceil(std::min(height, kComposerLinesMax * line))) +
                         8);
  m_growing = false;
}

void Composer::paintEvent(QPaintEvent*) {
  const Theme& t = Theme::current();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setBrush(t.window);
  const bool focused = m_edit->hasFocus();
  painter.setPen(QPen(focused ? t.accent : t.border, 1));
  painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10);
}

}  // namespace mneme

#include "moc_composer.cpp"
