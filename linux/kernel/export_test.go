package kernel

import "tombolo/linux"

// WithFault makes steps fail.
func (c Config) WithFault(f func(linux.Step) error) Config {
	c.fault = f
	return c
}

// WithSocketBuffer makes socket buffers as small as an ordinary user's.
func (c Config) WithSocketBuffer(bytes int) Config {
	c.buffer = bytes
	return c
}

// SkipToEpoch makes e the last epoch that was given out.
func (p *Plane) SkipToEpoch(e int) {
	for i := range p.epochs {
		p.epochs[i].last = e
	}
}

// CurrentEpoch is the epoch that a family is in.
func (p *Plane) CurrentEpoch(f linux.Family) uint16 { return p.have.Epoch(f) }

// Audit makes the next Reconcile look at the kernel first.
func (p *Plane) Audit() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dirty = true
}

// FlowRoom bounds how many counts the kernel keeps at a time, from the next
// Reconcile on.
func (p *Plane) FlowRoom(counts int) { p.compiler.Room(counts) }
