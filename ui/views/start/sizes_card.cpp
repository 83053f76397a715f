// SPDX-License-Identifier: Apache-2.0
#include "ui/views/start/sizes_card.h"

#include <QGridLayout>
#include <QPainter>
#include <QVBoxLayout>

#include "ui/format.h"
#include "ui/theme.h"

namespace mneme {
namespace {

constexpr int kPaceMark = 8;
constexpr int kClassPadding = 6;

QString wordsOf(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

// "4.3 to 9.0 GB", "0.6 to 2.0 GB".
QString bytesRange(std::uint64_t least, std::uint64_t most) {
  const QString to = format::bytes(most);
  QString from = format::bytes(least);
  if (from == to) return to;
  const QString unit = to.mid(to.lastIndexOf(QLatin1Char(' ')));
  if (from.endsWith(unit)) {
    from.chop(unit.size());
  } else {
    from = format::decimal(static_cast<double>(least) / 1e9, 1);
  }
  return SizesCard::tr("%1 to %2").arg(from, to);
}

QString speedFigure(double value) {
  return format::decimal(value, value < 9.95 ? 1 : 0);
}

QString speedRange(const DecodeEstimate& estimate) {
  const QString least = speedFigure(estimate.tokens_min);
  const QString most = speedFigure(estimate.tokens_max);
  return least == most ? SizesCard::tr("about %1").arg(least)
                       : SizesCard::tr("%1 to %2").arg(least, most);
}

}  // namespace

PaceMark::PaceMark(QWidget* parent) : QWidget(parent) {
  setFixedSize(kPaceMark, kPaceMark);
  setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
}

void PaceMark::show(Pace pace) {
  m_shown = true;
  m_pace = pace;
  update();
}

void PaceMark::clear() {
  m_shown = false;
  update();
}

void PaceMark::paintEvent(QPaintEvent*) {
  if (!m_shown) return;
  const Theme& theme = Theme::current();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  const QRectF area = rect();
  switch (m_pace) {
    case Pace::faster:
      painter.setBrush(theme.paceFaster);
      painter.drawEllipse(area);
      break;
    case Pace::about_as_fast:
      painter.setBrush(theme.paceSame);
      painter.drawRect(area);
      break;
    case Pace::slower:
      painter.setBrush(theme.paceSlower);
      painter.drawPolygon(QPolygonF(
          {QPointF(area.center().x(), area.top()), area.bottomRight(), area.bottomLeft()}));
      break;
  }
}

SizesCard::SizesCard(MachineSurvey& survey, QWidget* parent)
    : StartCard(tr("What runs well here"), parent), m_survey(survey) {
  m_note = new StartText("muted", this);
  m_note->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
  heading()->addStretch(1);
  heading()->addWidget(m_note);
  m_grid = new QGridLayout;
  m_grid->setHorizontalSpacing(14);
  m_grid->setVerticalSpacing(0);
  m_grid->setColumnStretch(1, 9);
  m_grid->setColumnStretch(2, 11);
  m_grid->setColumnStretch(3, 14);
  m_grid->setColumnStretch(4, 11);
  body()->addSpacing(8);
  body()->addLayout(m_grid);
  const auto title = [this](int column, const QString& text, Qt::Alignment alignment) {
    StartText* cell = addCell(0, column, alignment, "muted");
    cell->setContentsMargins(0, 0, 0, kClassPadding);
    keepFont(cell, 0.93);
    cell->say(text);
  };
  title(1, tr("size"), Qt::AlignLeft);
  title(2, tr("file, 4 bits"), Qt::AlignRight);
  title(3, tr("lies in"), Qt::AlignLeft);
  title(4, tr("tok/s, estimate"), Qt::AlignRight);
  int row = 1;
  for (const SizeClass& one : size_classes({})) {
    m_grid->addWidget(startLine(this), row++, 0, 1, 5);
    Row cells{new PaceMark(this), addCell(row, 1, Qt::AlignLeft), addCell(row, 2, Qt::AlignRight),
              addCell(row, 3, Qt::AlignLeft, "muted"), addCell(row, 4, Qt::AlignRight)};
    m_grid->addWidget(cells.mark, row++, 0);
    cells.name->say(wordsOf(one.name));
    cells.files->say(bytesRange(one.bytes_min, one.bytes_max));
    keepFont(cells.speed, 1.0, QFont::Medium);
    m_rows.push_back(cells);
  }
  body()->addStretch(1);
  addLegend();
  connect(&survey, &MachineSurvey::changed, this, &SizesCard::refresh);
  refresh();
}

StartText* SizesCard::addCell(int row, int column, Qt::Alignment alignment, const char* kind) {
  auto* cell = new StartText(kind, this);
  cell->setAlignment(alignment | Qt::AlignVCenter);
  cell->setContentsMargins(0, kClassPadding, 0, kClassPadding);
  // Figures are never cut; words are, with the whole as their tooltip.
  if (alignment.testFlag(Qt::AlignRight))
    cell->setSizePolicy(QSizePolicy::Minimum, QSizePolicy::Preferred);
  m_grid->addWidget(cell, row, column);
  return cell;
}

void SizesCard::addLegend() {
  auto* legend = new QHBoxLayout;
  legend->setSpacing(6);
  legend->setContentsMargins(0, 6, 0, 0);
  for (const Pace pace : {Pace::faster, Pace::about_as_fast, Pace::slower}) {
    auto* mark = new PaceMark(this);
    mark->show(pace);
    auto* words = new QLabel(wordsOf(in_words(pace)), this);
    words->setProperty("kind", QStringLiteral("muted"));
    keepFont(words, 0.93);
    legend->addWidget(mark);
    legend->addWidget(words);
    legend->addSpacing(8);
  }
  legend->addStretch(1);
  body()->addLayout(legend);
}

void SizesCard::refresh() {
  show(m_survey.speed());
  if (m_survey.now() == MachineSurvey::Step::memory) {
    m_note->count(tr("measuring the RAM, %1 s"));
  } else if (m_survey.ramSpeed() && !*m_survey.ramSpeed()) {
    m_note->say(tr("not known without the speed of the RAM"));
  } else {
    m_note->say({});
  }
}

void SizesCard::show(const MachineSpeed& machine) {
  const bool known = machine.ram_gb_s > 0;
  const std::vector<SizeClass> classes = size_classes(machine);
  for (std::size_t i = 0; i < m_rows.size(); ++i) {
    const SizeClass& one = classes[i];
    const DecodeEstimate& estimate = one.estimate;
    // What fits is not known before the RAM was measured.
    const bool fits = known && estimate.place != LiesIn::nowhere;
    QString place = known ? wordsOf(in_words(estimate.place)) : QStringLiteral("…");
    if (fits && one.bytes_fit < one.bytes_max)
      place = tr("%1, up to %2").arg(place, format::bytes(one.bytes_fit));
    m_rows[i].place->say(place);
    m_rows[i].speed->say(fits ? speedRange(estimate) : known ? QString() : QStringLiteral("…"));
    if (fits) {
      m_rows[i].mark->show(estimate.pace);
    } else {
      m_rows[i].mark->clear();
    }
    m_rows[i].name->setAccessibleName(
        tr("%1, %2, %3, %4 tokens a second, %5")
            .arg(wordsOf(one.name), m_rows[i].files->text(), place, m_rows[i].speed->text(),
                 fits ? wordsOf(in_words(estimate.pace)) : QString()));
  }
}

}  // namespace mneme

#include "moc_sizes_card.cpp"
