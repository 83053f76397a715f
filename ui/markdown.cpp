// SPDX-License-Identifier: Apache-2.0
#include "ui/markdown.h"

#include <md4c.h>

#include <QByteArray>
#include <algorithm>
#include <limits>

namespace mneme {
namespace {

constexpr std::size_t kNestingMax = 16;  // deeper quotes and lists are drawn at this depth
constexpr int kColumnsMax = 64;
constexpr int kCellsMax = 20000;  // md4c fills short rows up: a small text can ask for millions

QString toText(const MD_CHAR* text, MD_SIZE size) {
  return QString::fromUtf8(text, static_cast<qsizetype>(size));
}

// The few entities that people write; others stay as they are.
QString entity(const QString& name) {
  if (name == QLatin1String("&amp;")) return QStringLiteral("&");
  if (name == QLatin1String("&lt;")) return QStringLiteral("<");
  if (name == QLatin1String("&gt;")) return QStringLiteral(">");
  if (name == QLatin1String("&quot;")) return QStringLiteral("\"");
  if (name == QLatin1String("&nbsp;")) return QString(QChar(0xA0));
  if (name.startsWith(QLatin1String("&#")) && name.endsWith(QLatin1Char(';'))) {
    const bool hex = name.size() > 3 && name[2].toLower() == QLatin1Char('x');
    bool ok = false;
    const uint code = hex ? name.mid(3, name.size() - 4).toUInt(&ok, 16)
                          : name.mid(2, name.size() - 3).toUInt(&ok, 10);
    if (ok && code > 31 && code <= 0x10FFFF && !QChar::isSurrogate(code)) {
      const char32_t one = code;
      return QString::fromUcs4(&one, 1);
    }
  }
  return name;
}

struct List {
  bool ordered = false;
  bool tight = false;
  unsigned next = 1;
  QChar mark = QLatin1Char('.');
};

// md4c calls back per block, span and text; this turns the calls into a flat list.
class Parser {
 public:
  std::vector<MarkdownBlock> blocks;

  bool isTooBig() const { return m_cells > kCellsMax; }

  void enterBlock(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
      case MD_BLOCK_QUOTE:
        ++m_quotes;
        break;
      case MD_BLOCK_UL:
        m_lists.push_back({false, static_cast<MD_BLOCK_UL_DETAIL*>(detail)->is_tight != 0});
        break;
      case MD_BLOCK_OL: {
        const auto* d = static_cast<MD_BLOCK_OL_DETAIL*>(detail);
        m_lists.push_back({true, d->is_tight != 0, d->start, QLatin1Char(d->mark_delimiter)});
        break;
      }
      case MD_BLOCK_LI:
        enterItem(*static_cast<MD_BLOCK_LI_DETAIL*>(detail));
        break;
      case MD_BLOCK_HR:
        begin(MarkdownBlock::Kind::rule);
        break;
      case MD_BLOCK_H:
        begin(MarkdownBlock::Kind::heading);
        blocks.back().level = static_cast<int>(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level);
        break;
      case MD_BLOCK_CODE: {
        const auto* d = static_cast<MD_BLOCK_CODE_DETAIL*>(detail);
        begin(MarkdownBlock::Kind::code);
        blocks.back().language = toText(d->lang.text, d->lang.size);
        break;
      }
      case MD_BLOCK_HTML:
      case MD_BLOCK_P:
        begin(MarkdownBlock::Kind::paragraph);
        break;
      case MD_BLOCK_TABLE:
        begin(MarkdownBlock::Kind::table);
        blocks.back().alignments.assign(
            std::min<unsigned>(static_cast<MD_BLOCK_TABLE_DETAIL*>(detail)->col_count, kColumnsMax),
            Qt::AlignLeft);
        break;
      case MD_BLOCK_TR:
        blocks.back().rows.emplace_back();
        m_column = 0;
        break;
      case MD_BLOCK_TH:
      case MD_BLOCK_TD:
        enterCell(*static_cast<MD_BLOCK_TD_DETAIL*>(detail));
        break;
      default:
        break;
    }
  }

  void leaveBlock(MD_BLOCKTYPE type) {
    switch (type) {
      case MD_BLOCK_QUOTE:
        --m_quotes;
        break;
      case MD_BLOCK_UL:
      case MD_BLOCK_OL:
        m_lists.pop_back();
        break;
      case MD_BLOCK_LI:
        // An item without text still shows its marker.
        if (!m_marker.isEmpty()) begin(MarkdownBlock::Kind::paragraph);
        m_open = nullptr;
        break;
      case MD_BLOCK_CODE:
        if (m_open != nullptr && m_open->text.endsWith(QLatin1Char('\n'))) m_open->text.chop(1);
        m_open = nullptr;
        break;
      case MD_BLOCK_HTML:
        while (m_open != nullptr && m_open->text.endsWith(QLatin1Char('\n'))) m_open->text.chop(1);
        m_open = nullptr;
        break;
      case MD_BLOCK_P:
      case MD_BLOCK_H:
      case MD_BLOCK_HR:
      case MD_BLOCK_TH:
      case MD_BLOCK_TD:
        m_open = nullptr;
        break;
      default:
        break;
    }
  }

  void span(MD_SPANTYPE type, void* detail, int step) {
    switch (type) {
      case MD_SPAN_EM:
        m_italic += step;
        break;
      case MD_SPAN_STRONG:
        m_bold += step;
        break;
      case MD_SPAN_CODE:
        m_code += step;
        break;
      case MD_SPAN_DEL:
        m_strike += step;
        break;
      case MD_SPAN_A:
        if (step > 0) {
          const auto* d = static_cast<MD_SPAN_A_DETAIL*>(detail);
          m_links.push_back(toText(d->href.text, d->href.size));
        } else if (!m_links.empty()) {
          m_links.pop_back();
        }
        break;
      default:
        break;
    }
  }

  void text(MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size) {
    switch (type) {
      case MD_TEXT_NULLCHAR:
        append(QString(QChar(0xFFFD)));
        break;
      case MD_TEXT_BR:
      case MD_TEXT_SOFTBR:  // models break lines where they mean it: verses, addresses
        append(QString(QChar(QChar::LineSeparator)));
        break;
      case MD_TEXT_ENTITY:
        append(entity(toText(text, size)));
        break;
      default:
        append(toText(text, size));
    }
  }

 private:
  void begin(MarkdownBlock::Kind kind) {
    MarkdownBlock block;
    block.kind = kind;
    block.quoteDepth = static_cast<int>(std::min(m_quotes, kNestingMax));
    block.listDepth = static_cast<int>(std::min(m_lists.size(), kNestingMax));
    block.marker = m_marker;
    block.tight = !m_lists.empty() && m_lists.back().tight && m_listStarted;
    m_marker.clear();
    m_listStarted = !m_lists.empty();
    blocks.push_back(std::move(block));
    m_open = &blocks.back().text;
  }

  void enterItem(const MD_BLOCK_LI_DETAIL& detail) {
    if (!m_marker.isEmpty()) begin(MarkdownBlock::Kind::paragraph);  // "- - a": an empty outer item
    List& list = m_lists.back();
    if (detail.is_task != 0) {
      m_marker = QString(QChar(detail.task_mark == ' ' ? 0x2610 : 0x2611));
    } else if (list.ordered) {
      m_marker = QString::number(list.next) + list.mark;
    } else {
      m_marker = QString(QChar(m_lists.size() % 2 == 1 ? 0x2022 : 0x25E6));
    }
    if (list.next < std::numeric_limits<unsigned>::max()) ++list.next;
    // In a tight list md4c reports no paragraph: text comes straight after the item.
    if (list.tight) m_open = nullptr;
  }

  void enterCell(const MD_BLOCK_TD_DETAIL& detail) {
    MarkdownBlock& table = blocks.back();
    auto& row = table.rows.back();
    row.emplace_back();
    if (m_column < static_cast<int>(table.alignments.size())) {
      if (detail.align == MD_ALIGN_CENTER) table.alignments[m_column] = Qt::AlignHCenter;
      if (detail.align == MD_ALIGN_RIGHT) table.alignments[m_column] = Qt::AlignRight;
    }
    ++m_column;
    ++m_cells;
    m_open = &row.back();
  }

  void append(const QString& piece) {
    if (m_open == nullptr) begin(MarkdownBlock::Kind::paragraph);
    const bool inCode = blocks.back().kind == MarkdownBlock::Kind::code;
    if (!inCode && (m_bold > 0 || m_italic > 0 || m_code > 0 || m_strike > 0 || !m_links.empty())) {
      MarkdownSpan span;
      span.start = static_cast<int>(m_open->text.size());
      span.length = static_cast<int>(piece.size());
      span.bold = m_bold > 0;
      span.italic = m_italic > 0;
      span.code = m_code > 0;
      span.strike = m_strike > 0;
      if (!m_links.empty()) span.link = m_links.back();
      m_open->spans.push_back(std::move(span));
    }
    m_open->text += piece;
  }

  std::size_t m_quotes = 0;
  std::vector<List> m_lists;
  QString m_marker;
  bool m_listStarted = false;
  MarkdownText* m_open = nullptr;  // into `blocks`; set again whenever a block is added
  int m_column = 0;
  int m_cells = 0;
  int m_bold = 0;
  int m_italic = 0;
  int m_code = 0;
  int m_strike = 0;
  std::vector<QString> m_links;
};

Parser& parser(void* user) {
  return *static_cast<Parser*>(user);
}

}  // namespace

std::vector<MarkdownBlock> parseMarkdown(const QString& source) {
  MD_PARSER callbacks{};
  callbacks.flags = MD_DIALECT_GITHUB | MD_FLAG_NOHTML;
  callbacks.enter_block = [](MD_BLOCKTYPE type, void* detail, void* user) {
    parser(user).enterBlock(type, detail);
    return parser(user).isTooBig() ? 1 : 0;
  };
  callbacks.leave_block = [](MD_BLOCKTYPE type, void*, void* user) {
    parser(user).leaveBlock(type);
    return 0;
  };
  callbacks.enter_span = [](MD_SPANTYPE type, void* detail, void* user) {
    parser(user).span(type, detail, 1);
    return 0;
  };
  callbacks.leave_span = [](MD_SPANTYPE type, void* detail, void* user) {
    parser(user).span(type, detail, -1);
    return 0;
  };
  callbacks.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* user) {
    parser(user).text(type, text, size);
    return 0;
  };
  Parser result;
  const QByteArray bytes = source.toUtf8();
  const int failed =
      md_parse(bytes.constData(), static_cast<MD_SIZE>(bytes.size()), &callbacks, &result);
  if (failed != 0) {  // a table beyond reason: the text as it is
    MarkdownBlock plain;
    plain.kind = MarkdownBlock::Kind::code;
    plain.text.text = source;
    return {plain};
  }
  return std::move(result.blocks);
}

}  // namespace mneme
