package reach

// Sentence says what the component decided, for a person.
func (h Hop) Sentence() string { return h.Kind.String() + " " + h.Component }

// Sentence says why the packet does not pass, for a person.
func (e Explanation) Sentence() string { return string(e.Code) + " at " + e.Component }
