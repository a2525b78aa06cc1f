package wire

import (
	"strconv"
	"time"
	"unicode/utf8"
)

func open(b []byte, name string) []byte {
	b = append(b, '<')
	b = append(b, name...)
	return append(b, '>')
}

func shut(b []byte, name string) []byte {
	b = append(b, '<', '/')
	b = append(b, name...)
	return append(b, '>')
}

// AppendElement appends <name>text</name>, the text escaped.
func AppendElement(b []byte, name, text string) []byte {
	return shut(AppendText(open(b, name), text), name)
}

// AppendText appends the text so that XML reads back the same text. What XML
// cannot carry at all becomes U+FFFD; nothing stored should contain it.
func AppendText(b []byte, s string) []byte {
	last := 0
	for i := 0; i < len(s); {
		var escaped string
		n := 1
		switch c := s[i]; {
		case c == '&':
			escaped = "&amp;"
		case c == '<':
			escaped = "&lt;"
		case c == '>':
			escaped = "&gt;"
		case c == '"':
			escaped = "&quot;"
		case c == '\r': // a parser would turn a bare one into \n
			escaped = "&#xD;"
		case c >= 0x20 && c < utf8.RuneSelf, c == '\n', c == '\t':
			i++
			continue
		default:
			var r rune
			r, n = utf8.DecodeRuneInString(s[i:])
			if legalRune(r, n) {
				i += n
				continue
			}
			escaped = "\uFFFD"
		}
		b = append(b, s[last:i]...)
		b = append(b, escaped...)
		i += n
		last = i
	}
	return append(b, s[last:]...)
}

func appendScalar[T any](b []byte, name string, v *T, value func([]byte, T) []byte) []byte {
	if v == nil {
		return b
	}
	return shut(value(open(b, name), *v), name)
}

func appendScalars[T any](b []byte, name, item string, list []T, value func([]byte, T) []byte) []byte {
	if list == nil {
		return b
	}
	b = open(b, name)
	for _, v := range list {
		b = shut(value(open(b, item), v), item)
	}
	return shut(b, name)
}

func appendStruct[T any](b []byte, name string, v *T, members func(*T, []byte) []byte) []byte {
	if v == nil {
		return b
	}
	return shut(members(v, open(b, name)), name)
}

func appendStructs[T any](b []byte, name, item string, list []T, members func(*T, []byte) []byte) []byte {
	if list == nil {
		return b
	}
	b = open(b, name)
	for i := range list {
		b = shut(members(&list[i], open(b, item)), item)
	}
	return shut(b, name)
}

func appendTextValue(b []byte, v string) []byte   { return AppendText(b, v) }
func appendIntegerValue(b []byte, v int64) []byte { return strconv.AppendInt(b, v, 10) }
func appendFloatValue(b []byte, v float64) []byte { return strconv.AppendFloat(b, v, 'g', -1, 64) }
func appendBooleanValue(b []byte, v bool) []byte  { return strconv.AppendBool(b, v) }
func appendTimeValue(b []byte, v time.Time) []byte {
	return v.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
}
