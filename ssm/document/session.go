package document

import (
	"strconv"
	"time"
)

// sessionPart is what a Session document has beyond the head.
type sessionPart struct {
	kind        SessionType
	inputs      *Preferences      // nil when the document leaves them to the account
	properties  map[string]string // texts with references, by the name of the property
	elevated    bool
	hasCommands bool
}

// AWS: "Session document schema". Every session type has properties of its own.
func (c *checker) sessionPart(top *part) *sessionPart {
	s := &sessionPart{properties: map[string]string{}}
	s.kind = SessionType(c.choice(top, "sessionType", string(InteractiveCommands), string(NonInteractiveCommands), string(Port), string(StandardStream)))
	if in := c.child(top, "inputs"); in != nil {
		p := c.preferences(in)
		s.inputs = &p
	} else if s.kind == StandardStream {
		c.fail("inputs is required in a document whose sessionType is %s.", StandardStream)
	}
	properties := c.child(top, "properties")
	switch {
	case s.kind == StandardStream:
		if properties != nil {
			c.closed(properties)
		}
	case properties == nil:
		c.fail("properties is required in a document whose sessionType is %s.", s.kind)
	case s.kind == Port:
		c.texts(s, properties, "portNumber", "localPortNumber", "localUnixSocket", "localConnectionType", "host", "type")
		if c.err == nil && s.properties["portNumber"] == "" {
			c.fail("portNumber is required in the properties of a document whose sessionType is Port.")
		}
		if kind := s.properties["type"]; c.err == nil && kind != "" && kind != localForwarding {
			c.fail("type in properties is %q; the only valid value is %s.", kind, localForwarding)
		}
		c.closed(properties)
	default:
		c.commands(s, properties)
	}
	return s
}

const localForwarding = "LocalPortForwarding"

// commands reads the properties of the two command types, which are kept by
// operating system. Instances here are Linux.
func (c *checker) commands(s *sessionPart, properties *part) {
	properties.ignore("windows", "macos")
	linux := c.child(properties, "linux")
	c.closed(properties)
	if linux == nil {
		return
	}
	s.hasCommands = true
	c.texts(s, linux, "commands")
	s.elevated = c.flag(linux, "runAsElevated")
	if s.kind == NonInteractiveCommands {
		c.texts(s, linux, "separateOutputStream", "stdOutSeparatorPrefix", "stdErrSeparatorPrefix")
	}
	if c.err == nil && s.properties["commands"] == "" {
		c.fail("commands is required in the properties of a document whose sessionType is %s.", s.kind)
	}
	c.closed(linux)
}

func (c *checker) texts(s *sessionPart, p *part, keys ...string) {
	for _, key := range keys {
		s.properties[key] = c.text(p, key)
	}
}

// Plan is the session that the document starts with a call's parameters. The
// account's preferences hold where the document has none of its own.
func (d *Document) Plan(parameters map[string][]string, account Preferences) (Plan, error) {
	if d.session == nil {
		return Plan{}, errorf(InvalidDocument, "A session needs a document of type Session, not %s.", d.Type)
	}
	values, err := d.values(parameters)
	if err != nil {
		return Plan{}, err
	}
	get := func(key string) string { return fill(d.session.properties[key], values, d) }
	plan := Plan{Type: d.session.kind, Preferences: account, Elevated: d.session.elevated}
	if d.session.inputs != nil {
		plan.Preferences = *d.session.inputs
	}
	switch plan.Type {
	case Port:
		return d.portPlan(plan, get)
	case InteractiveCommands, NonInteractiveCommands:
		if !d.session.hasCommands {
			return Plan{}, errorf(InvalidDocument, "The document has no commands for Linux.")
		}
		if plan.Command = get("commands"); plan.Command == "" {
			return Plan{}, errorf(InvalidParameters, "The command is empty.")
		}
		plan.StdoutPrefix, plan.StderrPrefix = get("stdOutSeparatorPrefix"), get("stdErrSeparatorPrefix")
		if text := get("separateOutputStream"); text != "" {
			if plan.Separate, err = strconv.ParseBool(text); err != nil {
				return Plan{}, errorf(InvalidParameters, "separateOutputStream is %q, which is neither true nor false.", text)
			}
		}
	}
	return plan, nil
}

func (d *Document) portPlan(plan Plan, get func(string) string) (Plan, error) {
	plan.PortType, plan.Host = get("type"), get("host")
	plan.PortNumber, plan.LocalPort = get("portNumber"), get("localPortNumber")
	plan.LocalSocket, plan.LocalType = get("localUnixSocket"), get("localConnectionType")
	// A document of one's own may have no patterns: the numbers are looked at here too.
	if n, err := strconv.Atoi(plan.PortNumber); err != nil || n < 1 || n > 65535 {
		return Plan{}, errorf(InvalidParameters, "portNumber is %q, which is no port.", plan.PortNumber)
	}
	if n, err := strconv.Atoi(plan.LocalPort); plan.LocalPort != "" && (err != nil || n < 0 || n > 65535) {
		return Plan{}, errorf(InvalidParameters, "localPortNumber is %q, which is no port.", plan.LocalPort)
	}
	if plan.LocalSocket != "" && plan.LocalType == "" {
		plan.LocalType = "unix" // what makes the plugin listen on a socket
	}
	return plan, nil
}

// DefaultPreferences are those of an account that has set none.
func DefaultPreferences() Preferences { return Preferences{Idle: defaultIdle} }

// Preferences are a Session document's inputs. One that has none of its own
// gives the defaults.
func (d *Document) Preferences() Preferences {
	if d.session == nil || d.session.inputs == nil {
		return DefaultPreferences()
	}
	return *d.session.inputs
}

const defaultIdle = 20 * time.Minute
