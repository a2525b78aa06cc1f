package scenario

import (
	"fmt"
	"strings"
)

// File is a parsed scenario.
type File struct {
	Name  string
	Title string // the comment on its first line
	Lines []Line
}

// Line is one statement, or one question with the outcome that must be seen.
type Line struct {
	Number int
	Words  []string
	Want   string // of a question
	Answer int    // the number of the line that holds Want
}

// questions are the first words of lines that have an outcome.
var questions = []string{"send", "flow", "packet", "arp"}

func (l Line) asks() bool {
	for _, q := range questions {
		if l.Words[0] == q {
			return true
		}
	}
	return false
}

// Parse reads a scenario and checks its form: a title, and an outcome for every
// question.
func Parse(name, text string) (*File, error) {
	f := &File{Name: name}
	p := parser{file: f}
	for i, raw := range strings.Split(text, "\n") {
		if err := p.line(i+1, raw); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	if err := p.blockEnds(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if f.Title == "" {
		return nil, fmt.Errorf("%s: the first line must be a comment that says what the file shows", name)
	}
	return f, nil
}

type parser struct {
	file     *File
	waiting  []int // questions without an outcome, as indexes of Lines
	outcomes bool  // below a "----"
}

func (p *parser) line(number int, raw string) error {
	text, comment, hasComment := strings.Cut(raw, "#")
	if number == 1 && hasComment {
		p.file.Title = strings.TrimSpace(comment)
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "" && hasComment:
		return nil
	case text == "":
		if p.outcomes {
			return p.blockEnds()
		}
		return nil
	case text == "----":
		if p.outcomes || len(p.waiting) == 0 {
			return fmt.Errorf("%q without questions above it", text)
		}
		p.outcomes = true
		return nil
	case p.outcomes:
		if len(p.waiting) == 0 {
			return fmt.Errorf("an outcome too many: %q", text)
		}
		l := &p.file.Lines[p.waiting[0]]
		l.Want, l.Answer, p.waiting = strings.Join(strings.Fields(text), " "), number, p.waiting[1:]
		return nil
	}
	l := Line{Number: number, Words: strings.Fields(text)}
	p.file.Lines = append(p.file.Lines, l)
	if l.asks() {
		p.waiting = append(p.waiting, len(p.file.Lines)-1)
	} else if len(p.waiting) > 0 {
		return fmt.Errorf("%q between questions and their outcomes", l.Words[0])
	}
	return nil
}

func (p *parser) blockEnds() error {
	p.outcomes = false
	if len(p.waiting) > 0 {
		l := p.file.Lines[p.waiting[0]]
		return fmt.Errorf("no outcome for line %d: %s", l.Number, strings.Join(l.Words, " "))
	}
	return nil
}

// words is what is left of a statement.
type words struct{ rest []string }

// next takes a word; "" when there is none.
func (w *words) next() string {
	if len(w.rest) == 0 {
		return ""
	}
	first := w.rest[0]
	w.rest = w.rest[1:]
	return first
}

// accept takes the word if it is the next one.
func (w *words) accept(word string) bool {
	if len(w.rest) == 0 || w.rest[0] != word {
		return false
	}
	w.rest = w.rest[1:]
	return true
}

// until takes the words before any of those given, which stay.
func (w *words) until(stops ...string) []string {
	for i, word := range w.rest {
		for _, stop := range stops {
			if word == stop {
				out := w.rest[:i]
				w.rest = w.rest[i:]
				return out
			}
		}
	}
	out := w.rest
	w.rest = nil
	return out
}

func (w *words) end() error {
	if len(w.rest) > 0 {
		return fmt.Errorf("what does %q mean here?", strings.Join(w.rest, " "))
	}
	return nil
}
